//! End-to-end proof: the `tidegate` program against the simulators, row by row. All of it is in `tests/it`.
