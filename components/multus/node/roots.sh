# Where others than root may write: kubespray gives the CNI directories to its user. What somebody has laid there may lead to
# a file of root's.

# is_roots DIRECTORY: no link to one, and nobody but root writes into it.
# shellcheck disable=SC2012 # one directory, and not its name is read
is_roots() { ls -lnd "$1" | awk '{ exit !($1 ~ /^d....-..-/ && $3 == 0) }'; }

# keep_roots DIRECTORY [MODE]: makes it where nothing is, and refuses what is not root's alone.
keep_roots() {
    [ -e "$1" ] || [ -L "$1" ] || mkdir ${2:+-m "$2"} "$1"
    is_roots "$1" || die not-roots "$1" "is a link, or others than root may write there" "look at who made it, and remove it"
}

# as_new FILE: standard input as a new file of root's alone. What lies there is removed and not written into.
as_new() {
    rm -f "$1"
    (set -C && cat >"$1")
}
