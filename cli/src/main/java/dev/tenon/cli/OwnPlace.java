package dev.tenon.cli;

import dev.tenon.bridge.serve.CommandRunner.Asked;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.host.Home;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What of this process decides what a command finds and does. Another process finds the same if all of it is the same there.
 *
 * @param place the installation, the kernel's namespaces, the root directory, and the groups of the user
 * @param environment the variables that decide
 * @param classes the files of the class path as they were when this process began
 */
record OwnPlace(Map<String, String> place, Map<String, String> environment, Map<String, String> classes) {
    private static final List<String> NAMESPACES = List.of("ipc", "mnt", "net", "pid", "user", "uts");
    private static final String LOG = "TENON_LOG";
    private static final String PATH = "PATH";
    private static final String COLOUR = "NO_COLOR";

    /** Of Tenon, of the Java runtime, of the C library, and of the programs that it starts. perl-shim/bin/tenon-ask has the same. */
    private static final Pattern DECIDING = Pattern.compile(
            "(?:TENON|PERL|LD|LVM|DM|QEMU|JAVA|_JAVA|JDK)_?.*|PATH|TZ|NO_COLOR" + "|(?i:https?|all|no)_(?i:proxy)");

    /** These choose with what commands are built and started. */
    private static final Pattern OF_START = Pattern.compile("JAVA_HOME|TENON_ASKED|TENON_CACHE|TENON_JAVA_HOME");

    /** Directories that Debian has joined. */
    private static final Pattern JOINED = Pattern.compile("(?<=^|:)/(?=s?bin(?::|$))");

    static OwnPlace now() {
        try {
            Map<String, String> place = new TreeMap<>();
            place.put("home", Home.directory().toString());
            for (String namespace : NAMESPACES) {
                place.put(
                        namespace,
                        Files.readSymbolicLink(Path.of("/proc/self/ns", namespace))
                                .toString());
            }
            Map<String, Object> root = Files.readAttributes(Path.of("/"), "unix:dev,ino");
            place.put("root", root.get("dev") + " " + root.get("ino"));
            if (EffectiveUser.id() != 0) {
                place.put("groups", groups());
            }
            return new OwnPlace(place, deciding(System.getenv()), classesNow());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All that the user is in, in the order of their numbers. */
    private static String groups() throws IOException {
        TreeSet<Long> groups = new TreeSet<>();
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            String[] words = line.split("\\s+", -1);
            if (words[0].equals("Gid:")) {
                groups.add(Long.valueOf(words[2]));
            } else if (words[0].equals("Groups:")) {
                Arrays.stream(words)
                        .skip(1)
                        .filter(word -> !word.isEmpty())
                        .map(Long::valueOf)
                        .forEach(groups::add);
            }
        }
        return groups.stream().map(String::valueOf).collect(Collectors.joining(" "));
    }

    private static Map<String, String> deciding(Map<String, String> environment) {
        Map<String, String> deciding = new TreeMap<>();
        environment.forEach((name, value) -> {
            if (DECIDING.matcher(name).matches() && !OF_START.matcher(name).matches() && !name.equals(COLOUR)) {
                deciding.put(name, name.equals(PATH) ? joined(value) : value);
            }
        });
        return deciding;
    }

    /** A search path without what it has twice. */
    private static String joined(String path) {
        List<String> directories =
                List.of(JOINED.matcher(path).replaceAll("/usr/").split(File.pathSeparator, -1));
        return String.join(File.pathSeparator, new LinkedHashSet<>(directories));
    }

    private static Map<String, String> classesNow() throws IOException {
        Map<String, String> classes = new TreeMap<>();
        // Beside the classes, the zone of times, which a JVM reads once.
        String files = System.getProperty("java.class.path") + File.pathSeparator + "/etc/localtime";
        for (String entry : files.split(File.pathSeparator, -1)) {
            Path file = Path.of(entry);
            classes.put(
                    entry,
                    Files.exists(file)
                            ? Files.readAttributes(file, "unix:ino,size,ctime,lastModifiedTime")
                                    .toString()
                            : "");
        }
        return classes;
    }

    boolean isLoggingChosen() {
        return !environment.getOrDefault(LOG, "").isEmpty();
    }

    /** Refuses a command whose process would find something else than this one. */
    void refuseOther(Asked asked) {
        try {
            if (!classes.equals(classesNow())) {
                throw AskedCommands.refused("Tenon was replaced since the daemon was started");
            }
        } catch (IOException e) {
            throw AskedCommands.refused(String.valueOf(e.getMessage()));
        }
        refuse("of its process's ", place, asked.place());
        refuse("of the variable ", environment, deciding(asked.environment()));
    }

    private static void refuse(String what, Map<String, String> own, Map<String, String> others) {
        TreeSet<String> names = new TreeSet<>(own.keySet());
        names.addAll(others.keySet());
        for (String name : names) {
            if (!String.valueOf(own.get(name)).equals(String.valueOf(others.get(name)))) {
                throw AskedCommands.refused(what + name);
            }
        }
    }
}
