# The tests of spec/generate and spec/trace; spec/module.mk has the trace itself.
TEST_STEPS += spec
TEST_COMMAND_spec := tests/spec/run
