//! Bodies by the grammar of RFC 8259: a body that is not JSON gets 400, and JSON that is not a valid task gets 422.

use anyhow::Result;
use tests::fixture::Fixture;

use super::{Rejections, post};

/// Bodies that are not JSON, by the section whose rule they break.
const MALFORMED: &[&[u8]] = &[
    // Structure (section 2).
    b" ",
    b"[",
    b"]",
    b"{",
    b"}",
    b"[}",
    b"{]",
    b"[1",
    b"[1,",
    b"[1,]",
    b"[,1]",
    b"[1,,2]",
    b"[,]",
    b"[1 2]",
    b"[1;2]",
    b"[[1]",
    b"[1]]",
    b"[1],[2]",
    b"{}{}",
    b"{},",
    b"[]x",
    b"[\"a\",\n4\n,1,",
    b"<null>",
    b"\xe2\x81\xa0[]",
    b"[\x0c]",
    b"[\x0b]",
    b"[\xc2\xa0]",
    b"[\xe3\x80\x80]",
    b"\xff",
    b"\xfe\xff\0[\0]",
    // Objects (section 4).
    b"{\"a\"}",
    b"{\"a\":}",
    b"{:1}",
    b"{\"a\" 1}",
    b"{\"a\":1,}",
    b"{\"a\":1,,\"b\":2}",
    b"{,\"a\":1}",
    b"{a:1}",
    b"{1:1}",
    b"{null:1}",
    b"{\"a\":1 \"b\":2}",
    b"{\"a\"::1}",
    b"{\"a\":1:2}",
    b"{[]:1}",
    b"{\"a\":\"b\"}/**/",
    b"{\"a\":\"b\"}#",
    b"{\"a\":\"b\"}//",
    b"{\"a\":/*x*/1}",
    b"{'a':1}",
    b"{\"x\"=>1}",
    // Literals (section 3).
    b"True",
    b"[tru]",
    b"[nul]",
    b"[fals]",
    b"[NULL]",
    b"[undefined]",
    b"[nan]",
    b"[NaN]",
    b"[Infinity]",
    b"[-Infinity]",
    b"[truex]",
    b"[*]",
    b"[@]",
    b"[\\u0022a\\u0022]",
    // Numbers (section 6).
    b"[01]",
    b"[-01]",
    b"[+1]",
    b"[.5]",
    b"[-.5]",
    b"[1.]",
    b"[1.e1]",
    b"[1e]",
    b"[1e+]",
    b"[1eE2]",
    b"[1.2.3]",
    b"[0x1F]",
    b"[0b1]",
    b"[1_000]",
    b"[1,000.]",
    b"[--1]",
    b"[- 1]",
    b"[1 000]",
    b"[0e]",
    b"[2.e3]",
    b"[\xef\xbc\x91]",
    b"[1a]",
    b"[-]",
    b"[1e1.5]",
    b"[0x]",
    b"[9e]",
    b"[1e9999]",
    b"[-1e9999]",
    // Strings (section 7).
    b"\"",
    b"[\"]",
    b"[\"a]",
    b"['a']",
    b"[\"a\"b\"]",
    b"[\"\\\"]",
    b"[\"\\x41\"]",
    b"[\"\\'\"]",
    b"[\"\\0\"]",
    b"[\"\\a\"]",
    b"[\"\\u\"]",
    b"[\"\\u00\"]",
    b"[\"\\u00G0\"]",
    b"[\"\\U0041\"]",
    b"[\"\\u{41}\"]",
    b"[\"\\ \"]",
    b"[\"\t\"]",
    b"[\"\n\"]",
    b"[\"\x1f\"]",
    b"[\"\0\"]",
    b"[\"\\ud800\"]",
    b"[\"\\ud800\\n\"]",
    b"[\"\\ud800\\u0041\"]",
    b"[\"\\udc00\"]",
    b"[\"\\udc00\\ud800\"]",
    b"[\"\\ud83d\\ud83d\"]",
    // Encoding (section 8.1): overlong forms, surrogates, code points beyond the last one, and truncated sequences.
    b"[\"\xc0\xaf\"]",
    b"[\"\xe0\x80\xaf\"]",
    b"[\"\xed\xa0\x80\"]",
    b"[\"\xf4\x90\x80\x80\"]",
    b"[\"\xf8\x88\x80\x80\x80\"]",
    b"[\"\xe2\x82\"]",
    b"[\"\x80\"]",
    b"[\"\xe9\"]",
    b"{\"\xff\":1}",
    b"\xef\xbb\xbf{}",
    b"[\0\"a\0\"]",
];

/// Bodies that are JSON but not a valid task.
const INVALID_TASKS: &[&[u8]] = &[
    b"null",
    b"true",
    b"-0",
    b"1e3",
    b"\"x\"",
    b"[]",
    b"[[]]",
    b"{}",
    b" {} \r\n\t",
    b"[{}]",
    b"{\"\":0}",
    b"{\"title\":null}",
    b"{\"title\":[]}",
    b"{\"title\":{}}",
    b"{\"title\":0}",
    b"{\"title\":-0.0e-0}",
    b"{\"title\":1E+308}",
    b"{\"title\":123456789012345678901234567890}",
    b"{\"title\":0.00000000000000000000000000001}",
    b"{\"title\":1e-9999}",
    b"{\"title\":\"\\u0000\"}",
    b"{\"title\":\"\"}",
    b"{\"title\":\"\\u2028\"}",
    b"{\"title\":\"x\",\"__proto__\":{}}",
    b"{\"title\":\"x\",\"constructor\":1}",
    b"{\"Title\":\"x\"}",
    b"{\"title \":\"x\"}",
    b"{\"\\u0074itle\":1}",
    b"{\"title\":\"x\",\"title\":\"x\"}",
    b"{\"title\":\"x\",\"\\u0074itle\":\"x\"}",
    b"{\"title\":\"x\",\"tags\":{\"0\":\"a\"}}",
    b"{\"title\":\"x\",\"tags\":[[\"a\"]]}",
    b"{\"title\":\"x\",\"tags\":[null]}",
    b"{\"title\":\"x\",\"tags\":\"a,b\"}",
    b"{\"title\":\"x\",\"due\":{\"date\":\"2026-03-01\",\"date\":\"2026-03-02\"}}",
    b"{\"title\":\"x\",\"due\":[]}",
    b"{\"title\":\"x\",\"due\":{\"date\":20260301}}",
    b"{\"title\":\"x\",\"id\":{}}",
    b"{\"title\":\"x\",\"version\":1}",
    b"{\"title\":\"x\",\"user_id\":\"00000000-0000-4000-8000-000000000000\"}",
    b"{\"title\":\"x\",\"status\":[\"open\"]}",
];

pub async fn json_by_rfc_8259(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let mut rejections = Rejections::start(fixture).await?;
    for (bodies, status) in [(MALFORMED, 400), (INVALID_TASKS, 422)] {
        for body in bodies {
            let name = String::from_utf8_lossy(body).into_owned();
            let request = post(&user, "/api/tasks", body);
            rejections.check(&name, &[status], request).await;
        }
    }
    let many = |count: usize, of: &str| vec![of; count].join(",");
    let long = [
        format!("{{\"title\":\"x\",\"tags\":[{}]}}", many(10_000, "\"tag\"")),
        format!("{{\"title\":\"x\",\"tags\":[{}]}}", many(60_000, "[]")),
        format!("{{\"title\":{}}}", "9".repeat(200_000)),
        format!("{{\"title\":\"{}\"}}", "\\u00e9".repeat(40_000)),
        format!("{{\"{}\":1}}", "x".repeat(200_000)),
        format!(
            "{{{}}}",
            (0..20_000)
                .map(|n| format!("\"m{n}\":1"))
                .collect::<Vec<_>>()
                .join(",")
        ),
    ];
    for (place, body) in long.iter().enumerate() {
        let request = post(&user, "/api/tasks", body.as_bytes());
        rejections
            .check(&format!("long body {place}"), &[400, 422], request)
            .await;
    }
    rejections.finish().await
}
