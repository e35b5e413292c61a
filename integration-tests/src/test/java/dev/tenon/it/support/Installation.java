package dev.tenon.it.support;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The checkout that is tested, and how its start script would start it. */
public final class Installation {
    private static final Path HOME = findHome();

    private Installation() {}

    private static Path findHome() {
        Path directory = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(directory.resolve("perl-shim"))) {
            directory = Objects.requireNonNull(directory.getParent(), "no checkout above the working directory");
        }
        return directory;
    }

    public static Path home() {
        return HOME;
    }

    public static Path perlShim() {
        return HOME.resolve("perl-shim");
    }

    /** The example plugin. */
    public static Path legacyDirPlugin() {
        return perlShim().resolve("examples/LegacyDirPlugin.pm");
    }

    /** PVE's own Perl libraries if the tests shall run with them, null for the compat layer. */
    public static @Nullable Path pveLibrary() {
        String directory = System.getenv("TENON_PVE_LIB");
        return directory == null || directory.isEmpty() ? null : Path.of(directory);
    }

    /** The API level of the host that the Perl programs of the tests are: the newest, or that of PVE's own libraries. */
    public static String hostLevel() {
        List<String> command = new ArrayList<>(List.of("perl"));
        command.addAll(perlIncludes());
        command.addAll(List.of("-MPVE::Storage", "-e", "print PVE::Storage::APIVER()"));
        try {
            return new String(
                    new ProcessBuilder(command).start().getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A file below {@code src/test/resources}. */
    public static Path resource(String name) {
        URL url = Objects.requireNonNull(Installation.class.getResource("/" + name), name);
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A plugin made for a test. */
    public static Path plugin(String name) {
        return resource("plugins/" + name);
    }

    /** The options for Perl to find Tenon's modules and PVE's. */
    public static List<String> perlIncludes() {
        List<String> includes = new ArrayList<>();
        includes.add("-I" + perlShim().resolve("lib"));
        Path pve = pveLibrary();
        if (pve != null) {
            includes.add("-I" + pve);
        }
        includes.add("-I" + perlShim().resolve("compat"));
        return includes;
    }

    /** The tenon command, as {@code bin/tenon} starts it, with the classes of this build. */
    public static List<String> tenonCommand(Path temporary, String... arguments) {
        return tenonCommand(HOME, classPath(), temporary, arguments);
    }

    /** The same of a copy of this build in this directory, as an upgrade brings one; {@link #copyTo} makes it. */
    static List<String> tenonCommandOf(Path copy, Path temporary, String... arguments) {
        return tenonCommand(copy, copiedClassPath(copy), temporary, arguments);
    }

    /** Copies what an upgrade replaces: Tenon's own classes and its Perl. */
    public static void copyTo(Path copy) throws IOException {
        copyTree(perlShim(), copy.resolve("perl-shim"));
        copyTree(
                HOME.resolve("proto/src/main/resources/dev/tenon/proto"),
                copy.resolve("perl-shim").resolve("proto"));
        List<String> entries = classPathEntries();
        for (int i = 0; i < entries.size(); i++) {
            if (isOwn(entries.get(i))) {
                copyTree(Path.of(entries.get(i)), copied(copy, i, entries.get(i)));
            }
        }
    }

    private static String copiedClassPath(Path copy) {
        List<String> entries = new ArrayList<>(classPathEntries());
        for (int i = 0; i < entries.size(); i++) {
            if (isOwn(entries.get(i))) {
                entries.set(i, copied(copy, i, entries.get(i)).toString());
            }
        }
        return String.join(File.pathSeparator, entries);
    }

    private static List<String> classPathEntries() {
        return List.of(classPath().split(File.pathSeparator, -1));
    }

    private static boolean isOwn(String entry) {
        return entry.startsWith(HOME + "/") && Files.exists(Path.of(entry));
    }

    private static Path copied(Path copy, int number, String entry) {
        return copy.resolve("classes").resolve(number + (entry.endsWith(".jar") ? ".jar" : ""));
    }

    private static void copyTree(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Path place = to.resolve(from.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(place);
                } else {
                    Files.createDirectories(Objects.requireNonNull(place.getParent()));
                    Files.copy(file, place);
                }
            }
        }
    }

    private static List<String> tenonCommand(Path home, String path, Path temporary, String... arguments) {
        // A job in the background of a script ignores Ctrl-C, and so would what it starts.
        List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvmOptions(path, arguments));
        command.add("-Djava.io.tmpdir=" + temporary);
        command.add("-Dtenon.home=" + home);
        command.addAll(List.of("-cp", path, "dev.tenon.cli.Tenon"));
        command.addAll(List.of(arguments));
        return command;
    }

    private static List<String> jvmOptions(String path, String... arguments) {
        List<String> shell = new ArrayList<>(List.of(
                "archive_options \"$1\" \"$2\" && jvm_options_of \"${@:3}\"", Archive.DIRECTORY.toString(), path));
        shell.addAll(List.of(arguments));
        return shell(shell);
    }

    /** What a line of shell prints that may call what the commands share; the words after it are its arguments. */
    public static List<String> shell(List<String> words) {
        List<String> command =
                new ArrayList<>(List.of("bash", "-c", ". \"$0\"; " + words.getFirst(), HOME + "/bin/lib.sh"));
        command.addAll(words.subList(1, words.size()));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectInput(new File("/dev/null"))
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        try {
            return builder.start().inputReader(StandardCharsets.UTF_8).lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The archive of classes that a build makes for the command, for the class path of the tests. */
    private static final class Archive {
        static final Path DIRECTORY = HOME.resolve("integration-tests/target/aot");

        static {
            // The JVM makes none of classes that are not packaged.
            if (isPackaged()) {
                // Other JVMs that run tests use the same one.
                shell(List.of(
                        "mkdir -p \"$1\"; exec 9>\"$1/lock\"; flock 9;"
                                + " [ -e \"$(class_archive \"$@\")\" ] || archive_classes \"$@\"",
                        DIRECTORY.toString(),
                        classPath()));
            }
        }
    }

    /** Whether all classes of Tenon are in jars, as they are where it is installed. */
    public static boolean isPackaged() {
        return Arrays.stream(classPath().split(File.pathSeparator, -1))
                .map(Path::of)
                .noneMatch(Files::isDirectory);
    }

    /** Without this module, whose logging is not that of the command. */
    private static String classPath() {
        String own = Path.of("target").toAbsolutePath().toString();
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .filter(entry -> !entry.startsWith(own))
                .collect(Collectors.joining(File.pathSeparator));
    }
}
