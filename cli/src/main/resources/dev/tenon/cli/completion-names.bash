
# Storages and volumes, besides the commands and options above.

# Prints what tenon answers, with the options of this command line that say which storages there are.
_tenon_ask() {
    local options=() i
    for ((i = 0; i < ${#words[@]} - 1; i++)); do
        case ${words[i]} in
            --config=* | --plugin=* | --adopted=* | --pve-lib=*) options+=("${words[i]}") ;;
            --config | --plugin | --adopted | --pve-lib) options+=("${words[i]}" "${words[i + 1]}") ;;
        esac
    done
    # A storage that does not answer must not keep the shell.
    timeout 5 "${words[0]}" "$@" "${options[@]}" --names 2>/dev/null </dev/null
}

_tenon() {
    _complete_tenon "$@"

    # Readline takes words apart at colons, which volume ids have.
    local words=() current= previous names=
    read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
    case ${COMP_LINE:0:COMP_POINT} in
        *[[:space:]]) words+=("") ;;
    esac
    case ${words[1]-} in
        export | import | copy) [ ${#words[@]} -gt 2 ] || return 0 ;;
        *) [ ${#words[@]} -gt 3 ] || return 0 ;;
    esac
    current=${words[-1]}
    previous=${words[-2]}
    case $current in
        -*) return 0 ;;
    esac
    case "${words[1]} ${words[2]} $previous" in
        *" --storage") names=$(_tenon_ask storage list) ;;
        *" -"*) [ "${previous#--}" = "$previous" ] || _tenon_is_flag "$previous" || return 0 ;;
    esac
    if [ -z "$names" ]; then
        case "${words[1]} ${words[2]}" in
            "storage add") return 0 ;;
            storage\ * | "volume list" | "volume alloc") names=$(_tenon_ask storage list) ;;
            volume\ * | export\ * | import\ * | copy\ *) names=$(_tenon_ask volume list) ;;
            *) return 0 ;;
        esac
    fi

    local name found=()
    while IFS= read -r name; do
        case $name in
            "") ;;
            "$current"*) found+=("$name") ;;
        esac
    done <<<"$names"
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        found=("${found[@]#"${current%"${current##*:}"}"}")
    fi
    COMPREPLY=("${found[@]}")
}

# Whether an option has no value.
_tenon_is_flag() {
    case $1 in
        --json | --names | --full | --delete | --off | --dry-run | --accept-old | --force | --quiet | --checksum | --with-snapshots | --allow-rename) return 0 ;;
        *) return 1 ;;
    esac
}

complete -o default -F _tenon tenon
