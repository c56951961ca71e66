//! Makes cargo track the migrations: a macro embeds them, and cargo does not see what that macro reads.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
}
