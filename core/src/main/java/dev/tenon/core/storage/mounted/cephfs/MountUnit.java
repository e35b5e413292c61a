package dev.tenon.core.storage.mounted.cephfs;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A unit of systemd that mounts something until the next boot. By way of it systemd knows that the network must be there,
 * and unmounts it in time.
 *
 * @param where absolute, without a slash at its end
 */
record MountUnit(Path where, String what, String type, String options) {
    /** The name that systemd demands of the unit for this mount point. */
    String name() {
        StringBuilder name = new StringBuilder();
        String path = where.toString().substring(1);
        for (byte b : path.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            if (c == '/') {
                name.append('-');
            } else if (isPlain(c) && !(c == '.' && name.isEmpty())) {
                name.append(c);
            } else {
                name.append(String.format("\\x%02x", (int) c));
            }
        }
        return name + ".mount";
    }

    private static boolean isPlain(char c) {
        return (c >= 'a' && c <= 'z')
                || (c >= 'A' && c <= 'Z')
                || (c >= '0' && c <= '9')
                || c == ':'
                || c == '_'
                || c == '.';
    }

    String text() {
        return """
                [Unit]
                Description=Mount of %1$s
                DefaultDependencies=no
                Requires=system.slice
                Wants=network-online.target
                After=system.slice systemd-journald.socket -.mount
                After=network.target network-online.target remote-fs-pre.target
                Before=remote-fs.target umount.target
                Conflicts=umount.target

                [Mount]
                What=%2$s
                Where=%1$s
                Type=%3$s
                Options=%4$s
                """.formatted(escaped(where.toString()), escaped(what), escaped(type), escaped(options));
    }

    /** Systemd replaces what begins with a percent sign. */
    private static String escaped(String text) {
        return text.replace("%", "%%");
    }
}
