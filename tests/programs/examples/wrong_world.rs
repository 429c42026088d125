//! A WebAssembly component, and a sound one, but of another world: a command that says hello.

fn main() {
    println!("hello");
}
