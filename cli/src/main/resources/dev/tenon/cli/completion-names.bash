
# Storage types, storages, volumes, formats and properties, besides the commands and options above. No JVM starts for most
# of it: types and properties stand here, storages are read from storage.cfg, and volumes are those of the last time, which
# are asked for again meanwhile.

# What these functions find is left in variables, since each process that is forked for an answer takes time.

# REPLY: the value of an option of this command line, the last one that is given.
_tenon_option() {
    local i
    REPLY=
    for ((i = 0; i < ${#words[@]} - 1; i++)); do
        case ${words[i]} in
            "$1"=*) REPLY=${words[i]#*=} ;;
            "$1") REPLY=${words[i + 1]} ;;
        esac
    done
}

# storages: the type of each storage, a colon, and its name.
_tenon_storages() {
    local file line name local_is_there=
    storages=()
    _tenon_option --config
    file=$REPLY
    if [ -z "$file" ]; then
        file=/etc/tenon/storage.cfg
        [ ! -d /etc/pve ] || file=/etc/pve/storage.cfg
    fi
    if [ -r "$file" ]; then
        while IFS= read -r line || [ -n "$line" ]; do
            case $line in
                [a-z]*:*)
                    name=${line#*:}
                    name=${name//[[:space:]]/}
                    [ "$name" != local ] || local_is_there=1
                    storages+=("${line%%:*}:$name")
                    ;;
            esac
        done <"$file"
    fi
    [ -n "$local_is_there" ] || storages+=("dir:local")
}

# names: those of the storages, each with this at its end.
_tenon_storage_names() {
    local storages storage
    _tenon_storages
    for storage in "${storages[@]}"; do
        names+=${storage#*:}${1-}$'\n'
    done
}

# REPLY: the type of a storage, nothing if there is none of this name.
_tenon_type_of() {
    local storages storage
    _tenon_storages
    REPLY=
    for storage in "${storages[@]}"; do
        [ "${storage#*:}" != "$1" ] || REPLY=${storage%%:*}
    done
}

# names: the volume ids, with the options of this command line that say which storages there are. Those of the last time
# are taken at once, and what there is now is asked for meanwhile, if that was a while ago.
_tenon_volumes() {
    local options=() i now lines=()
    for ((i = 0; i < ${#words[@]} - 1; i++)); do
        case ${words[i]} in
            --config=* | --plugin=* | --adopted=* | --pve-lib=* | --journal=*) options+=("${words[i]}") ;;
            --config | --plugin | --adopted | --pve-lib | --journal) options+=("${words[i]}" "${words[i + 1]}") ;;
        esac
    done
    local directory=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}/tenon cache="volumes ${options[*]}"
    cache=${cache//%/%25}
    cache=${cache//\//%2F}
    if [ "$directory" = /tenon ] || [ ${#cache} -gt 240 ] ||
        ! { [ -d "$directory" ] || (umask 077 && mkdir -p "$directory") 2>/dev/null; }; then
        names=$(_tenon_ask 5)
        return
    fi
    cache=$directory/$cache
    [ -r "$cache" ] || _tenon_keep 5
    [ -r "$cache" ] || return
    mapfile -t lines <"$cache"
    printf -v now '%(%s)T' -1
    if [[ ${lines[0]-} != [0-9]* ]] || ((now - lines[0] > 5)); then
        (_tenon_keep 30 </dev/null >/dev/null 2>&1 &)
    fi
    printf -v names '%s\n' "${lines[@]:1}"
}

# A storage that does not answer must not keep the shell.
_tenon_ask() {
    timeout "$1" "${words[0]}" volume list "${options[@]}" --names 2>/dev/null </dev/null
}

# One at a time. What could not be listed whole is better than nothing.
_tenon_keep() {
    (
        flock -n 9 || exit 0
        umask 077
        {
            printf '%(%s)T\n' -1
            _tenon_ask "$1"
        } >"$cache.new"
        mv "$cache.new" "$cache"
    ) 9>>"$cache.lock"
}

# names: the words that an option takes, nothing if they are not known.
_tenon_values() {
    case $1 in
        --storage) _tenon_storage_names ;;
        --format) names=$'raw\nqcow2\nvmdk\nsubvol' ;;
        --content) names=$'images\nrootdir\niso\nvztmpl\nbackup\nsnippets\nimport' ;;
        --preallocation) names=$'off\nmetadata\nfalloc\nfull' ;;
        --delete)
            [ "${words[1]} ${words[2]}" = "storage set" ] || return 0
            _tenon_type_of "${words[3]}"
            names=$(_tenon_properties "$REPLY")
            ;;
    esac
}

_tenon() {
    _complete_tenon "$@"

    # Readline takes words apart at colons, which volume ids have.
    local words=() current= previous= names= command= name found=() REPLY=
    read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
    case ${COMP_LINE:0:COMP_POINT} in
        *[[:space:]]) words+=("") ;;
    esac
    command=${words[1]-}
    case $command in
        export | import | copy) [ ${#words[@]} -gt 2 ] || return 0 ;;
        *)
            [ ${#words[@]} -gt 3 ] || return 0
            command="$command ${words[2]}"
            ;;
    esac
    current=${words[-1]}
    previous=${words[-2]}
    case $current in
        --*=*) return 0 ;;
        -*)
            case $command in
                "storage add") names=$(_tenon_properties "${words[3]}") ;;
                "storage set")
                    _tenon_type_of "${words[3]}"
                    names=$(_tenon_properties "$REPLY")
                    ;;
                *) return 0 ;;
            esac
            while IFS= read -r name; do
                [[ -z $name || --$name != "$current"* || " ${COMPREPLY[*]} " == *" --$name "* ]] || COMPREPLY+=("--$name")
            done <<<"$names"
            return 0
            ;;
    esac
    _tenon_values "$previous"
    if [ -z "$names" ]; then
        case $previous in
            -*) _tenon_is_flag "$previous" || return 0 ;;
        esac
        # The second word of these is a file.
        case $command in
            export | import) [[ $current != */* || $current == *:* ]] || return 0 ;;
        esac
        case $command in
            "storage add") [ ${#words[@]} -gt 4 ] || names=$(_tenon_types) ;;
            storage\ * | "volume list" | "volume alloc" | "backup list" | "libvirt pool-dumpxml") _tenon_storage_names ;;
            import) _tenon_storage_names : ;;
            backup\ * | volume\ * | export | copy | "libvirt vol-dumpxml") _tenon_volumes ;;
            *) return 0 ;;
        esac
    fi

    local all=()
    mapfile -t all <<<"$names"
    for name in "${all[@]}"; do
        case $name in
            "") ;;
            "$current"*) found+=("$name") ;;
        esac
    done
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        found=("${found[@]#"${current%"${current##*:}"}"}")
    fi
    COMPREPLY=("${found[@]}")
    # What is a storage only may go on with the name of a volume.
    [[ $command != import || ${#COMPREPLY[@]} != 1 ]] || compopt -o nospace 2>/dev/null
}

# Whether an option has no value.
_tenon_is_flag() {
    case $1 in
        --json | --names | --full | --off | --dry-run | --accept-old | --force | --quiet | --checksum | --with-snapshots | --allow-rename) return 0 ;;
        *) return 1 ;;
    esac
}

# Prints what completes a line, which is the argument, for a shell that is not bash.
_tenon_complete_line() {
    # Only a completion that readline asked for may set options.
    compopt() { :; }
    COMP_LINE=$1
    COMP_POINT=${#COMP_LINE}
    COMP_WORDBREAKS=$' \t\n'
    read -ra COMP_WORDS <<<"$COMP_LINE"
    case $COMP_LINE in
        *[[:space:]]) COMP_WORDS+=("") ;;
    esac
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    _tenon tenon "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]-}"
    local word
    for word in "${COMPREPLY[@]}"; do
        read -r word <<<"$word"
        [ -z "$word" ] || printf '%s\n' "$word"
    done
}

[ -n "${TENON_COMPLETES_ELSEWHERE-}" ] || complete -o default -F _tenon tenon
