//! The sync engine for browsers: a C ABI with JSON in and out, compiled to `wasm32-wasip1`.
//!
//! A page makes a device with `spindle_new`. For each call it asks for room with `spindle_input`, writes the call there (UTF-8, see
//! [`client::calls`]), and makes it with `spindle_call`, which returns the length of the answer; `spindle_output` says where the answer is.
//! It stays there until the next call. A device is used by one thread at a time.
#![expect(
    unsafe_code,
    reason = "functions of the C ABI have fixed names and take pointers; that the caller keeps to the rules above is all that they rely on"
)]

use client::calls::call;
use client::engine::Engine;

/// A device, with room for a call and its answer.
pub struct Device {
    engine: Engine,
    input: Vec<u8>,
    output: String,
}

/// Makes a device that knows nothing yet. The call `load` gives it a saved state.
#[unsafe(no_mangle)]
pub extern "C" fn spindle_new() -> *mut Device {
    Box::into_raw(Box::new(Device {
        engine: Engine::new(),
        input: Vec::new(),
        output: String::new(),
    }))
}

/// Ends a device.
///
/// # Safety
/// `device` is from `spindle_new` and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spindle_free(device: *mut Device) {
    drop(unsafe { Box::from_raw(device) });
}

/// Makes room for a call of `length` bytes and returns where it is.
///
/// # Safety
/// `device` is from `spindle_new` and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spindle_input(device: *mut Device, length: usize) -> *mut u8 {
    let device = unsafe { &mut *device };
    device.input.clear();
    device.input.resize(length, 0);
    device.input.as_mut_ptr()
}

/// Makes the call that was written, and returns the length of the answer in bytes.
///
/// # Safety
/// `device` is from `spindle_new` and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spindle_call(device: *mut Device) -> usize {
    let device = unsafe { &mut *device };
    let input = std::mem::take(&mut device.input);
    // Bytes that are not UTF-8 become characters that JSON does not have outside of texts, or odd characters in one.
    device.output = call(&mut device.engine, &String::from_utf8_lossy(&input));
    device.output.len()
}

/// Where the answer is.
///
/// # Safety
/// `device` is from `spindle_new` and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spindle_output(device: *const Device) -> *const u8 {
    unsafe { &*device }.output.as_ptr()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Makes a call as a page does, through pointers.
    fn make(device: *mut Device, call: &[u8]) -> Value {
        unsafe {
            spindle_input(device, call.len()).copy_from_nonoverlapping(call.as_ptr(), call.len());
            let length = spindle_call(device);
            serde_json::from_slice(std::slice::from_raw_parts(spindle_output(device), length))
                .unwrap()
        }
    }

    #[test]
    fn a_page_makes_calls_and_reads_answers() {
        let device = spindle_new();
        let task = "00000000-0000-0000-0000-000000000001";
        let edit = json!({"edit": {"op_id": task, "task_id": task, "change": {"create": {"title": "Wässern"}}, "at": "2026-03-01T09:00:00Z"}});
        assert_eq!(
            make(device, edit.to_string().as_bytes())["ok"]["tasks"],
            json!([task])
        );
        assert_eq!(make(device, b"\"tasks\"")["ok"][0]["title"], "Wässern");
        assert_eq!(
            make(device, b"\"next\"")["ok"]["call"],
            json!({"pull": {"cursor": null}})
        );
        for wrong in [&b""[..], b"{", b"\xff\xfe", b"\"\xff\""] {
            assert!(make(device, wrong)["error"].is_string(), "{wrong:?}");
        }
        unsafe { spindle_free(device) };
    }
}
