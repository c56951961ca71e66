//! Searches in the languages that people write: vowel signs, variants of letters, apostrophes, symbols, and words with punctuation.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::client::User;
use tests::fixture::Fixture;

use super::found::{expect_found, found};

/// Creates a task for each title.
async fn create_all(user: &User, titles: &[&str]) -> Result<()> {
    for title in titles {
        user.create(json!({"title": title})).await?;
    }
    Ok(())
}

/// Vowel signs and tatweel of Arabic and Hebrew are optional, and variants of a letter are one letter.
pub async fn vowel_signs_and_variants(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let titles = [
        "كِتَابَة رسالة",
        "اكل سمك",
        "مُحَمَّد",
        "ســـلام",
        "إيران",
        "مدرسه",
        "שָׁלוֹם",
        "יְרוּשָׁלַיִם",
        "בְּרֵאשִׁית",
        "۱۲ کتاب",
    ];
    create_all(&user, &titles).await?;
    expect_found(
        &user,
        &[
            ("كتابة", &["كِتَابَة رسالة"]),
            ("أكل", &["اكل سمك"]),
            ("محمد", &["مُحَمَّد"]),
            ("سلام", &["ســـلام"]),
            ("سَلام", &["ســـلام"]),
            ("ایران", &["إيران"]),
            ("مدرسة", &["مدرسه"]),
            ("שלום", &["שָׁלוֹם"]),
            ("ירושלים", &["יְרוּשָׁלַיִם"]),
            ("בראשית", &["בְּרֵאשִׁית"]),
            ("רֵאשִׁ", &["בְּרֵאשִׁית"]),
            ("12", &["۱۲ کتاب"]),
            ("كتاب", &["كِتَابَة رسالة", "۱۲ کتاب"]),
        ],
    )
    .await
}

/// All apostrophes are one, and characters that nobody sees do not break words.
pub async fn apostrophes_and_invisible_characters(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let object = ["об\u{2bc}єкт один", "об\u{2019}єкт два", "об'єкт три"];
    let hawaii = ["Hawai\u{2bb}i", "Hawai\u{2018}i trip"];
    create_all(&user, &object).await?;
    create_all(&user, &hawaii).await?;
    create_all(
        &user,
        &[
            "zero\u{200b}width",
            "soft\u{ad}hyphen",
            "no\u{2060}break",
            "rock \u{2019}n\u{2019} roll",
        ],
    )
    .await?;
    expect_found(
        &user,
        &[
            ("об'єкт", &object),
            ("об\u{2bc}єкт", &object),
            ("об\u{2019}єкт", &object),
            ("hawai'i", &hawaii),
            ("zerowidth", &["zero\u{200b}width"]),
            ("rowid", &["zero\u{200b}width"]),
            ("\"softhyphen\"", &["soft\u{ad}hyphen"]),
            ("soft\u{ad}hyph", &["soft\u{ad}hyphen"]),
            ("nobreak", &["no\u{2060}break"]),
            ("width", &["zero\u{200b}width"]),
            ("\"width\"", &[]),
            ("\"rock 'n' roll\"", &["rock \u{2019}n\u{2019} roll"]),
        ],
    )
    .await
}

/// Emoji and other symbols are words, in any variant.
pub async fn symbols(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let titles = [
        "buy 🎂",
        "cake🎂party",
        "ok 👍🏽",
        "love ❤\u{fe0f}",
        "home → work",
        "50 € for 👩\u{200d}👩\u{200d}👧",
    ];
    let [buy, cake, thumb, love, arrow, euro] = titles;
    create_all(&user, &titles).await?;
    expect_found(
        &user,
        &[
            ("🎂", &[buy, cake]),
            ("cake", &[cake]),
            ("party", &[cake]),
            ("👍", &[thumb]),
            ("👍🏻", &[thumb]),
            ("❤", &[love]),
            ("→", &[arrow]),
            ("€", &[euro]),
            ("👧", &[euro]),
            ("👩\u{200d}👩\u{200d}👧", &[euro]),
            ("work -→", &[]),
            ("🎉", &[]),
        ],
    )
    .await
}

/// Names with signs are words of their own. They rank before words that contain them.
pub async fn names_with_signs(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let titles = [
        ".NET upgrade",
        "Learn C++",
        "Learn C#",
        "Learn F#",
        "Port to C++11",
        "notepad++ update",
        "Learn C",
        "internet bill",
        "F minor, cats and fish",
        "issue #12",
        "see .env",
        ".NET8 migration",
    ];
    create_all(&user, &titles).await?;
    let mut wrong = Vec::new();
    for (typed, expected) in [
        ("C++", "Learn C++"),
        ("c#", "Learn C#"),
        ("F#", "Learn F#"),
        (".NET", ".NET upgrade"),
        (".net", ".NET upgrade"),
        (".env", "see .env"),
        ("notepad++", "notepad++ update"),
        ("#12", "issue #12"),
        ("learn c", "Learn C"),
    ] {
        let found = found(&user, typed).await?;
        if found.first().map(String::as_str) != Some(expected) {
            wrong.push(format!("{typed}: {found:?}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    expect_found(
        &user,
        &[
            ("C++", &["Learn C++", "Port to C++11"]),
            ("D++", &["notepad++ update"]),
            ("c# learn", &["Learn C#"]),
            ("F#", &["Learn F#"]),
            (".NET", &[".NET upgrade", ".NET8 migration"]),
            ("net", &[".NET upgrade", "internet bill", ".NET8 migration"]),
        ],
    )
    .await
}

/// A word with punctuation is found where it begins or ends inside of a word.
pub async fn words_with_punctuation(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let titles = [
        "DS-7604NI-K1 by Hikvision",
        "germany-dev-east",
        "renew example.com",
        "merge feature/login_form",
        "tag v1.20.3-rc2",
        "extra beans",
    ];
    let [recorder, germany, domain, branch, tag, _] = titles;
    create_all(&user, &titles).await?;
    expect_found(
        &user,
        &[
            ("DS-7604 hik", &[recorder]),
            ("many-dev", &[germany]),
            ("many dev", &[germany]),
            ("xample.com", &[domain]),
            ("example.org", &[]),
            ("ture/login", &[branch]),
            ("feature/login_fo", &[branch]),
            ("v1.20", &[tag]),
            ("1.20.3-rc", &[]),
            ("many-east", &[]),
            ("a-b", &[]),
            ("renew -many-dev", &[domain]),
        ],
    )
    .await
}
