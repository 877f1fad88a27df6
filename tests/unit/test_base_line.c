/* line: short texts that are cut off when they are full, and strings of strangers. */
#include "base/line.h"
#include "broker_harness.h"

START_TEST(pieces_of_all_kinds)
{
    struct line line = {0};
    line_text(&line, "a ");
    line_number(&line, 0);
    line_text(&line, " ");
    line_number(&line, UINT64_MAX);
    line_text(&line, " ");
    line_hex_byte(&line, 0x0F);
    line_bytes(&line, "xyz", 2);
    ck_assert_str_eq(line.text, "a 0 18446744073709551615 0fxy");
    ck_assert_uint_eq(line.length, strlen(line.text));
}
END_TEST

START_TEST(a_full_line_is_cut_off)
{
    struct line line = {0};
    for (int i = 0; i < 100; i++)
        line_text(&line, "seven..");
    ck_assert_uint_eq(line.length, sizeof line.text - 1);
    ck_assert_uint_eq(strlen(line.text), sizeof line.text - 1);
    line_hex_byte(&line, 0);
    line_stranger(&line, bytes_of_text("x"));
    ck_assert_uint_eq(line.length, sizeof line.text - 1);
}
END_TEST

START_TEST(strangers_are_shown_harmless)
{
    static const char longest[] = "0123456789012345678901234567890123456789012345678901234567890123";
    struct line line = {0};
    line_stranger(&line, bytes_of("A~ \\\n\x00\x7F\xC3\xA4", 9));
    ck_assert_str_eq(line.text, "A~ \\x5c\\x0a\\x00\\x7f\\xc3\\xa4");
    line = (struct line){0};
    line_stranger(&line, bytes_of_text(longest));
    ck_assert_str_eq(line.text, longest);
    line_stranger(&line, bytes_of_text("0123456789012345678901234567890123456789012345678901234567890123X"));
    ck_assert_uint_eq(line.length, 64 + 64 + 3);
    ck_assert_str_eq(line.text + 128, "...");
}
END_TEST

Suite *suite_base_line(void);
Suite *suite_base_line(void)
{
    HARNESS_SUITE("line", pieces_of_all_kinds, a_full_line_is_cut_off, strangers_are_shown_harmless);
}
