//! What a server may send, as functions of bytes: each reads its input as the plugin does and asserts what must hold of
//! whatever comes out. The fuzzer of `tests/fuzz` calls them with inputs of its own, the tests below with every input
//! that it kept.
