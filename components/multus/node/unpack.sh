# unpack: plugins from an archive, which the node fetches or gets over standard input; what is there stays. What was placed is
# noted, as lines `name hash archive`: that alone is replaced by a later archive, and removed in the end.

placed=$state/plugins

# As Go names it: golang.org/doc/install/source#environment.
architecture() {
    case $(uname -m) in
    x86_64) say amd64 ;;
    i?86) say 386 ;;
    aarch64) say arm64 ;;
    arm*) say arm ;;
    loongarch64) say loong64 ;;
    mips64*) say mips64le ;;
    *) uname -m ;;
    esac
}

# In `hash` and `url` what the plan has for this node; false where it has nothing.
find_archive() {
    arch=$(architecture)
    for each in $archives; do
        IFS=: read -r its hash url <<END
$each
END
        [ "$its" != "$arch" ] || return 0
    done
    return 1
}

check_architecture() { find_archive || error no-archive "$arch" "archives of referencePlugins has none for this node's architecture" "add one under $arch" "$arch"; }

check_archive() {
    check_architecture
    for tool in tar gzip sha256sum; do
        has "$tool" || error no-tool "$tool" "is not on this node" "install it" "$tool"
    done
}

hash_of() { sha256sum <"$1" | cut -d' ' -f1; }

is_there() { [ -e "$bin/$1" ] || [ -L "$bin/$1" ]; }

# noted NAME [HASH]: whether the plugin is as it was placed, of that archive or of any.
noted() {
    [ -f "$placed" ] && [ -f "$bin/$1" ] && [ ! -L "$bin/$1" ] &&
        awk -v line="$1 $(hash_of "$bin/$1") ${2-}" 'index($0, line) == 1 { found = 1 } END { exit !found }' "$placed"
}

is_to_come() { ! is_there "$1" || { noted "$1" && ! noted "$1" "$hash"; }; }

get_archive() {
    [ -n "$url" ] || { cat >"$state/.archive" && return 0; }
    curl -sSfL --proto =https --proto-redir =https --connect-timeout 15 --speed-limit 1000 --speed-time 30 --retry 3 -o "$state/.archive" "$url" 2>"$state/.api" ||
        die archive-out-of-reach "$url" "cannot be fetched: $(api_answer)" "let this node reach it, or give the archive by path"
}

contents() { gzip -dc "$state/.archive" 2>"$state/.api" | tar "$@" 2>>"$state/.api"; }

# stage NAME: by its exact name, through a pipe, so that nothing of the archive says where it goes.
stage() {
    member=$(grep -xF -e "$1" -e "./$1" "$state/.members" | head -n 1)
    [ -z "$member" ] || contents -xOf - "$member" >"$state/.plugin-$1"
    [ -s "$state/.plugin-$1" ] || error no-member "$1" "is no file in the archive for $arch" "write a plugin that it has, or another archive" "$1"
}

# place NAME: a hard link appears at once and never replaces anything; our own of another archive is replaced by a rename.
place() {
    as_new "$bin/.$1.multus-install" <"$state/.plugin-$1"
    chmod 0755 "$bin/.$1.multus-install"
    # First noted: nobody would ever remove what is placed and not noted.
    say "$1 $(hash_of "$bin/.$1.multus-install") $hash" >>"$placed"
    if noted "$1"; then
        mv "$bin/.$1.multus-install" "$bin/$1"
    else
        ln "$bin/.$1.multus-install" "$bin/$1"
        rm "$bin/.$1.multus-install"
    fi
    say "$bin_dir/$1 placed"
}

unpack() {
    check_architecture
    [ "$errors" -eq 0 ] || exit 1
    come=''
    for name in $unpacks; do ! is_to_come "$name" || come="$come $name"; done
    [ -n "$come" ] || { say "every plugin is there" && return 0; }
    mkdir -p "$state"
    get_archive
    where=${url:-the archive for $arch}
    [ -s "$state/.archive" ] || die archive-gone "$where" "was used up by an earlier step" "set rotation to another value and run pulumi up, which brings it again"
    is=$(hash_of "$state/.archive")
    [ "$is" = "$hash" ] || die other-archive "$where" "has the SHA-256 $is, and the plan says $hash" "look at who changed it, or write that one" "$is"
    contents -tf - >"$state/.members" && [ -s "$state/.members" ] || die no-archive-file "$where" "is no gzipped tar: $(api_answer)" "write the plugins' .tgz"
    for name in $unpacks; do stage "$name"; done
    [ "$errors" -eq 0 ] || exit 1
    for name in $come; do place "$name"; done
}

# What is still as it was placed, and what no configuration names.
remove_placed() {
    cut -d' ' -f1 "$placed" | sort -u | while read -r name; do
        rm -f "$bin/.$name.multus-install"
        if ! noted "$name"; then
            ! is_there "$name" || say "kept $bin_dir/$name, which is not as it was placed"
        elif ! is_named "$name"; then
            rm -f "$bin/$name"
        fi
    done
}
