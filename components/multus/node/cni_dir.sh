# The CNI directory: its files in the runtime's order, and which of them are Multus' own.

# Every file that the runtime would consider, in its order.
conf_files() {
    for file in "$conf"/*; do
        case $file in *.conf | *.conflist | *.json) [ -f "$file" ] && say "$file" ;; esac
    done
    return 0
}

is_ours() { case ${1##*/} in 00-multus.conf | 00-multus.conflist) true ;; *) false ;; esac }

runs_multus() { json "$1" 2>/dev/null | grep -q '/type="multus'; }

# type_of FILE: its outermost plugin's type and a quote, then 1 where Multus is anywhere in it, then w where a machine's
# user data has put it there, which waits for Multus' pod (operations/multus_ops/joining.py).
type_of() { json "$1" 2>/dev/null | awk '/\/type="multus/ { multus = 1 } /^\/multusInstall=/ { waits = "w" } sub(/^\/(plugins\/[0-9]+\/)?type="/, "") && !type { type = $0 } END { print type multus waits }'; }

# What Multus takes for its default network: the first file of these names, whatever is in it.
first_conf() {
    conf_files | while read -r file; do
        case $file in *.json) continue ;; esac
        is_ours "$file" || { say "$file" && break; }
    done
}

# The default network: the plan's, else the first valid configuration that is not Multus'.
default_conf() {
    if [ -n "$master" ] && [ -f "$conf/$master" ]; then
        say "$conf/$master"
        return 0
    fi
    conf_files | while read -r file; do
        is_ours "$file" || case $(type_of "$file") in '' | *1*) ;; *) say "$file" && break ;; esac
    done
}

# network_of FILE: the name of the default network, which this is the file of.
network_of() { if [ -z "$master" ] || [ -f "$conf/$master" ]; then json "$1" | leaf /name; else say "$master"; fi; }

our_confs() {
    for file in "$conf/00-multus.conf" "$conf/00-multus.conflist"; do
        [ ! -e "$file" ] || say "$file"
    done
}

waits() { case $(type_of "$1") in *1w) true ;; *) false ;; esac }

is_planned() { [ "$(type_of "$1")" = "$program\"1" ]; }

# The configuration of the plan's plugin; of two, the running pod wrote the newer.
planned_conf() {
    set -- "$conf/00-multus.conf" "$conf/00-multus.conflist"
    # shellcheck disable=SC2012 # the two names are known
    [ ! -e "$1" ] || [ ! -e "$2" ] || case $(ls -t "$@") in "$2"*) set -- "$2" "$1" ;; esac
    for file in "$@"; do
        [ ! -e "$file" ] || ! is_planned "$file" || { say "$file" && break; }
    done
}

# Puts a file into the conf dir as the runtime needs it: whole, and by a rename within the directory.
place_conf() {
    as_new "$conf/.multus-install.tmp" <"$1"
    mv "$conf/.multus-install.tmp" "$conf/${1##*/}"
}

keep_copy() {
    mkdir -p "$state/conf"
    our_confs | while read -r file; do
        cp "$file" "$state/.conf"
        mv "$state/.conf" "$state/conf/${file##*/}"
    done
}

put_back() {
    for file in "$state"/conf/00-multus.conf*; do
        [ ! -f "$file" ] || { ! is_planned "$file" && ! is_standby "$file"; } || place_conf "$file"
    done
}

remove_confs() {
    rm -f "$conf/00-multus.conflist" "$conf/00-multus.conf" "$conf/.multus-install.tmp" "$conf"/00-multus.conf*.cilium_bak
}

# What Multus leaves when it is killed while it installs itself. A stale 00-multus.conf.new even breaks the next one.
stale_files() {
    for file in "$conf"/00-multus.conf*.new "$conf"/00-multus.conf*.temp* "$conf"/multus.d/multus.kubeconfig.new \
        "$bin"/_multus* "$bin"/multus.temp* "$bin"/multus-shim.temp* "$bin"/passthru.temp*; do
        [ ! -f "$file" ] || say "$file"
    done
}

remove_stale() { stale_files | while read -r file; do rm -f "$file"; done; }
