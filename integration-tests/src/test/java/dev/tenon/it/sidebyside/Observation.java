package dev.tenon.it.sidebyside;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is seen of a storage after an operation.
 *
 * @param files the permissions of every file and directory, by path; those of directories end with a slash
 * @param infos what {@code qemu-img info} says of the images that the operation was about, by path
 */
record Observation(Answer answer, List<Listed> listed, SortedMap<String, String> files, Map<String, Object> infos) {

    /**
     * Does it, and looks.
     *
     * @param operation null to look only
     * @param guests whose images are listed, in this order; null stands for those of all
     */
    static Observation of(Side side, @Nullable Operation operation, List<@Nullable String> guests) {
        Answer answer = operation == null ? new Answer(null, null) : side.call(operation);
        List<Listed> listed = new ArrayList<>();
        guests.forEach(guest -> listed.addAll(side.list(guest)));
        Map<String, Object> infos = new TreeMap<>();
        if (operation != null) {
            operation.volid().ifPresent(volid -> info(side, volid, infos));
            if (answer.result() instanceof String volid) {
                info(side, volid, infos);
            }
        }
        return new Observation(answer, listed, files(side.directory()), infos);
    }

    static SortedMap<String, String> files(Path directory) {
        SortedMap<String, String> files = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(directory)) {
            for (Path path : (Iterable<Path>) paths::iterator) {
                String name =
                        directory.relativize(path) + (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS) ? "/" : "");
                files.put(
                        name,
                        PosixFilePermissions.toString(Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS)));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return files;
    }

    private static void info(Side side, String volid, Map<String, Object> infos) {
        String[] parts = volid.substring(volid.indexOf(':') + 1).split("/", -1);
        if (parts.length < 2) {
            return;
        }
        String name = parts[parts.length - 2] + "/" + parts[parts.length - 1];
        Path file = side.directory().resolve("images").resolve(name);
        if (Files.isRegularFile(file)) {
            infos.put(name, withoutPlaces(qemuImgInfo(file, name.substring(name.lastIndexOf('.') + 1))));
        }
    }

    private static final Set<String> UNCOMPARED = Set.of(
            "filename",
            "full-backing-filename",
            "actual-size",
            "date-sec",
            "date-nsec",
            "vm-clock-sec",
            "vm-clock-nsec",
            "cid",
            "parent-cid");

    /** Without names of files, times and what is allocated. */
    private static Object withoutPlaces(Object json) {
        return switch (json) {
            case Map<?, ?> map -> {
                Map<String, Object> compared = new LinkedHashMap<>();
                map.forEach((key, value) -> {
                    if (!UNCOMPARED.contains(key.toString())) {
                        compared.put(key.toString(), withoutPlaces(value));
                    }
                });
                yield compared;
            }
            case List<?> list -> {
                List<Object> compared = new ArrayList<>();
                list.forEach(item -> compared.add(withoutPlaces(item)));
                yield compared;
            }
            default -> json;
        };
    }

    private static Object qemuImgInfo(Path file, String format) {
        try {
            Process process = new ProcessBuilder("qemu-img", "info", "--output=json", "-f", format, file.toString())
                    .redirectErrorStream(true)
                    .start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0 ? JSON.std.anyFrom(said) : said.replace(file.toString(), "FILE");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
