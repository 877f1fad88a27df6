/* host/first_bytes */
#include "host/first_bytes.h"
#include "tests.h"

START_TEST(languages_are_told_apart)
{
    static const struct {
        const char *bytes;
        size_t length;
        enum spoken spoken;
    } cases[] = {
        {"", 0, SPOKEN_UNKNOWN},
        {"\x16", 1, SPOKEN_UNKNOWN},
        {"\x16\x03", 2, SPOKEN_TLS},
        {"\x16\x03\x01\x02", 4, SPOKEN_TLS},
        {"\x16\x04", 2, SPOKEN_UNKNOWN},
        {"\x10", 1, SPOKEN_MQTT},
        {"\x10\x0c\0\x04MQTT", 8, SPOKEN_MQTT},
        {"GET / HTTP/1.1", 14, SPOKEN_HTTP},
        {"GET", 3, SPOKEN_UNKNOWN},
        {"GETX", 4, SPOKEN_UNKNOWN},
        {"POST /", 6, SPOKEN_HTTP},
        {"\x20\x02", 2, SPOKEN_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(first_bytes_tell(bytes_of(cases[i].bytes, cases[i].length)) == cases[i].spoken, "%zu",
                      i);
}
END_TEST

void add_first_bytes(TCase *test_case)
{
    tcase_add_test(test_case, languages_are_told_apart);
}
