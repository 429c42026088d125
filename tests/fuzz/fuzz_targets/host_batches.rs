#![no_main]

// The decoder may panic inside of Arrow, which the host takes for a refusal: only a panic that nobody catches is a
// finding. Set FUZZ_PANICS to see what a kept input panics with.
libfuzzer_sys::fuzz_target!(
    init: {
        let default = std::panic::take_hook();
        if std::env::var_os("FUZZ_PANICS").is_none() {
            std::panic::set_hook(Box::new(|_| {}));
        }
        drop(default);
    },
    |data: &[u8]| tidegate_runner::pipeline::fuzzing::batches(data)
);
