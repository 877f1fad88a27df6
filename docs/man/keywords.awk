# Puts what `etalon --help-configuration` prints (the first file) in place of the line @KEYWORDS@ of a manual page (the
# second one).

function escape(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    return text ~ /^[.']/ ? "\\&" text : text
}

FNR == NR && /^[^ ]/ {
    name = $1
    value = substr($0, length(name) + 2)
    keywords = keywords ".TP\n\\fB" escape(name) "\\fR" (value == "" ? "" : " \\fI" escape(value) "\\fR") "\n"
    first = 1
    next
}

FNR == NR {
    keywords = keywords (first ? "" : ".br\n") escape(substr($0, 5)) "\n"
    first = 0
    next
}

$0 == "@KEYWORDS@" {
    printf "%s", keywords
    next
}

{ print }
