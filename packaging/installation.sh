# Where the package has put what the start scripts need. Sourced, not run.

root=/usr/share/tenon
JAVA_HOME=/usr/lib/tenon/runtime
class_archives=/var/cache/tenon/classes
class_path=$(printf '%s:' "$root"/lib/*.jar)
class_path=${class_path%:}
. "$root/bin/jvm.sh"
