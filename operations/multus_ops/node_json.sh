# Findings and facts as one JSON document. These functions stand after messages.sh of the node program, whose sentences they
# replace where as_json is true.

# quoted TEXT: as a JSON string. Few texts have a sign that JSON writes otherwise.
quoted() {
    case $1 in
    *[\\\"[:cntrl:]]*) printf '"%s"' "$(printf '%s' "$1" | tr '\001-\037' ' ' | sed 's/[\\"]/\\&/g')" ;;
    *) printf '"%s"' "$1" ;;
    esac
}

findings='' facts='' as_json=false

finding() {
    if $as_json; then
        findings="$findings${findings:+,}{\"severity\":\"$1\",\"code\":\"$2\",\"where\":$(quoted "$3"),\"what\":$(quoted "$4"),\"fix\":$(quoted "$5"),\"value\":$(quoted "${6-}")}"
    else
        printf '%s: %s: %s; %s.\n' "$1" "$3" "$4" "$5" >&2
    fi
}

# Nobody reads what was found before, so that the sentence comes in any case.
die() {
    as_json=false
    error "$@"
    exit 1
}

fact() { fact_json "$1" "$(quoted "$2")"; }

conclude() { if $as_json; then printf '{"findings":[%s],"facts":{%s}}\n' "$findings" "$facts"; else [ "$errors" -gt 0 ] || say "$1"; fi; }

# fact_json NAME JSON: a fact that is more than a text.
fact_json() { facts="$facts${facts:+,}\"$1\":$2"; }

# Lines of JSON as one list.
listed() {
    comma=''
    printf '['
    while read -r line; do
        printf '%s' "$comma$line"
        comma=,
    done
    printf ']'
}

# Lines of text as one list.
texts() {
    comma=''
    printf '['
    while read -r line; do
        printf '%s' "$comma"
        quoted "$line"
        comma=,
    done
    printf ']'
}

truth() { if "$@"; then say true; else say false; fi; }
