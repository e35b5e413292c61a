package dev.tenon.it.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What QEMU's own programs do with images and say of them. */
public final class Images {
    private Images() {}

    /** Makes a raw image of 1 MiB in a directory storage. */
    public static Path raw(Path storage, int guest, String name) throws IOException {
        Path directory = Files.createDirectories(storage.resolve("images").resolve(Integer.toString(guest)));
        return Files.write(directory.resolve(name), new byte[1 << 20]);
    }

    /** Fills the first 64 KiB with this byte. */
    public static void fill(Path image, String format, int value) {
        String said = io(image, format, false, "write -P " + value + " 0 64k");
        if (!said.contains("wrote 65536/65536")) {
            throw new AssertionError("'" + image + "' cannot be written: " + said);
        }
    }

    /** Whether the image can be read and its first 64 KiB are this byte. */
    public static boolean isFilled(Path image, String format, int value) {
        String said = io(image, format, true, "read -P " + value + " 0 64k");
        return said.contains("read 65536/65536") && !said.contains("Pattern verification failed");
    }

    private static String io(Path image, String format, boolean readsOnly, String command) {
        List<String> line = new ArrayList<>(List.of("qemu-io", "-f", format));
        if (readsOnly) {
            line.add("-r");
        }
        line.addAll(List.of("-c", command, image.toString()));
        return run(line);
    }

    /** What qemu-img says of a qcow2 image, empty if it is sound. */
    public static String check(Path image) {
        return run(List.of("qemu-img", "check", "-q", "-f", "qcow2", image.toString()));
    }

    /** Runs a program; what it said, and its status if that is not good. */
    static String run(List<String> command) {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectInput(Path.of("/dev/null").toFile())
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int status = process.waitFor();
            return status == 0 ? said : said + command + " ended with " + status;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
