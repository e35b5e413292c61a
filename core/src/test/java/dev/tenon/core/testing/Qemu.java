package dev.tenon.core.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The real qemu-img, which the tests compare with. It is always started in a scratch directory. */
public final class Qemu {
    private Qemu() {}

    /**
     * What {@code qemu-img info --output=json} says.
     *
     * @param virtualSize bytes
     * @param actualSize bytes
     */
    public record Info(
            long virtualSize,
            long actualSize,
            String format,
            @Nullable String backingFile,
            @Nullable String backingFormat,
            @Nullable String dataFile) {}

    /** Creates an image; the arguments after {@code qemu-img create -q}. */
    public static void create(Path directory, String... arguments) {
        List<String> command = new ArrayList<>(List.of("qemu-img", "create", "-q"));
        command.addAll(List.of(arguments));
        run(directory, command);
    }

    public static Info info(Path file, String format) {
        String json = run(
                file.toAbsolutePath().getParent(),
                List.of("qemu-img", "info", "-U", "--output=json", "-f", format, file.toString()));
        return parse(json);
    }

    /** The same in what it said. */
    public static Info parse(String json) {
        return new Info(
                Long.parseLong(required(json, "virtual-size")),
                Long.parseLong(required(json, "actual-size")),
                required(json, "format"),
                value(json, "    ", "backing-filename"),
                value(json, "    ", "backing-filename-format"),
                value(json, "            ", "data-file"));
    }

    /** Writes this byte to the first 64 KiB of an image. */
    public static void fill(Path file, String format, int value) {
        io(file, format, "write -P " + value + " 0 64k");
    }

    /** Whether the first 64 KiB of an image are this byte. */
    public static boolean isFilled(Path file, String format, int value) {
        return !io(file, format, "read -P " + value + " 0 64k").contains("Pattern verification failed");
    }

    private static String io(Path file, String format, String command) {
        return run(file.getParent(), List.of("qemu-io", "-f", format, "-c", command, file.toString()));
    }

    /** Opens an image for writing, as a guest that runs does, until this is closed. */
    public static Closeable open(Path file) throws IOException {
        Process process = new ProcessBuilder("qemu-io", "-f", "qcow2", file.toString())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().write("length\n".getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
        StringBuilder output = new StringBuilder();
        while (!output.toString().contains("iB")) {
            int next = process.getInputStream().read();
            if (next < 0) {
                throw new IOException("qemu-io ended: " + output);
            }
            output.append((char) next);
        }
        return () -> {
            process.getOutputStream().close();
            process.onExit().join();
        };
    }

    /** Runs a command in a directory and returns its output; skips the test if the program is missing. */
    public static String run(@Nullable Path directory, List<String> command) {
        try {
            Process process = new ProcessBuilder(command)
                    .directory(directory == null ? null : directory.toFile())
                    .redirectErrorStream(true)
                    .start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int exitCode = process.waitFor();
            if (exitCode != 0) {
                throw new IllegalStateException(command + " failed with " + exitCode + ": " + output);
            }
            return output;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } catch (IOException e) {
            assumeTrue(false, command.getFirst() + " cannot be run here: " + e.getMessage());
            throw new IllegalStateException(e);
        }
    }

    /** Overwrites bytes of a file in place. */
    public static void patch(Path file, int offset, byte... bytes) throws IOException {
        byte[] content = Files.readAllBytes(file);
        System.arraycopy(bytes, 0, content, offset, bytes.length);
        Files.write(file, content);
    }

    private static String required(String json, String key) {
        String value = value(json, "    ", key);
        if (value == null) {
            throw new IllegalStateException("no " + key + " in " + json);
        }
        return value;
    }

    private static @Nullable String value(String json, String indent, String key) {
        Matcher matcher = Pattern.compile(
                        "(?m)^" + indent + "\"" + key + "\": (?:\"((?:[^\"\\\\]|\\\\.)*)\"|(\\d+)),?$")
                .matcher(json);
        if (!matcher.find()) {
            return null;
        }
        String text = matcher.group(1);
        return text == null ? matcher.group(2) : text.replace("\\\"", "\"").replace("\\\\", "\\");
    }
}
