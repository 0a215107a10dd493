# json FILE: strict JSON as lines `/path/to/leaf=value`, strings in their quotes; status 1 and no line where it is not JSON.
# Tokens are taken from a short window, so that the time grows with the length of the text and not with its square.
json() {
    awk '
    function broken() { bad = 1; exit 1 }
    # Lengthens the window by at least what it has; false at the end of the text.
    function more(  n) {
        if (at > length(row)) { if (rows == NR) return 0; row = line[++rows] "\n"; at = 1 }
        n = length(w) + 128; w = w substr(row, at, n); at += n
        return 1
    }
    function blank() {
        do if (match(w, /^[ \t\r\n]+/)) w = substr(w, RLENGTH + 1)
        while (length(w) < 64 && more())
    }
    function token(c) { c = substr(w, 1, 1); w = substr(w, 2); return c }
    function text(  found) {
        while (!match(w, /^"([^"\\]|\\["\\\/bfnrt]|\\u[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F])*"/)) if (!more()) broken()
        found = substr(w, 1, RLENGTH)
        if (found ~ /[\001-\037]/) broken()
        w = substr(w, RLENGTH + 1)
        return found
    }
    function many(path, close_with,  n, c, key) {
        blank()
        if (substr(w, 1, 1) == close_with) { token(); return }
        for (n = 0; ; n++) {
            key = n
            if (close_with == "}") { blank(); key = text(); key = substr(key, 2, length(key) - 2); blank(); if (token() != ":") broken() }
            value(path "/" key)
            blank(); c = token()
            if (c == close_with) return
            if (c != ",") broken()
        }
    }
    function value(path,  c, rest) {
        blank(); c = substr(w, 1, 1)
        if (c == "{") { token(); many(path, "}") }
        else if (c == "[") { token(); many(path, "]") }
        else if (c == "\"") leaf[++leaves] = path "=" text()
        else {
            do if (!match(w, /^(true|false|null|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)/)) broken()
            while (RLENGTH == length(w) && more())
            leaf[++leaves] = path "=" substr(w, 1, RLENGTH)
            w = substr(w, RLENGTH + 1)
        }
    }
    { line[NR] = $0 }
    END {
        if (bad) exit 1
        at = 1; value(""); blank()
        if (w != "") broken()
        for (n = 1; n <= leaves; n++) print leaf[n]
    }' "$1"
}

# leaf PATH: the value of one leaf of what json printed, without quotes.
leaf() {
    awk -v path="$1=" '!found && index($0, path) == 1 {
        found = 1
        value = substr($0, length(path) + 1)
        print value ~ /^"/ ? substr(value, 2, length(value) - 2) : value
    }'
}
