package dev.tenon.it.support;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.commons.exec.CommandLine;
import org.apache.commons.exec.DefaultExecutor;
import org.apache.commons.exec.ExecuteException;
import org.apache.commons.exec.PumpStreamHandler;

/** Real images in the scratch directory's storage, which is called {@code nas}. */
public final class ScratchStorage {
    public static final String ID = "nas";
    public static final String RAW = "100/vm-100-disk-0.raw";
    public static final String QCOW2 = "100/vm-100-disk-1.qcow2";
    public static final String BASE = "9000/base-9000-disk-0.qcow2";
    public static final String CLONE = "9000/base-9000-disk-0.qcow2/100/vm-100-disk-2.qcow2";
    public static final long RAW_BYTES = 16L << 20;
    public static final long QCOW2_BYTES = 64L << 20;
    public static final long BASE_BYTES = 32L << 20;

    private final Path path;

    private ScratchStorage(Path path) {
        this.path = path;
    }

    /** A raw image, a qcow2, a qcow2 with a base image behind it, and files that are no images. */
    public static ScratchStorage create(Scratch scratch) {
        ScratchStorage storage = new ScratchStorage(scratch.storage());
        storage.image(RAW, "-f", "raw", Long.toString(RAW_BYTES));
        storage.image(QCOW2, "-f", "qcow2", Long.toString(QCOW2_BYTES));
        storage.image(BASE, "-f", "qcow2", Long.toString(BASE_BYTES));
        storage.image("100/vm-100-disk-2.qcow2", "-f", "qcow2", "-F", "qcow2", "-b", "../9000/base-9000-disk-0.qcow2");
        try {
            Files.writeString(storage.image("100/notes.txt"), "no image\n");
            Files.writeString(storage.image("100/disk with spaces.raw"), "no valid name\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return storage;
    }

    /** An empty one. */
    public static ScratchStorage empty(Scratch scratch) {
        return new ScratchStorage(scratch.storage());
    }

    public Path path() {
        return path;
    }

    /** The file of an image. */
    public Path image(String name) {
        return path.resolve("images").resolve(name);
    }

    /** Makes an image with qemu-img: options before the file, and a last one that begins with a digit after it. */
    public Path image(String name, String... options) {
        Path file = image(name);
        try {
            Files.createDirectories(file.getParent());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        CommandLine command = new CommandLine("qemu-img").addArgument("create").addArgument("-q");
        String size = null;
        for (String option : options) {
            if (!option.isEmpty() && Character.isDigit(option.charAt(0))) {
                size = option;
            } else {
                command.addArgument(option, false);
            }
        }
        command.addArgument(file.toString(), false);
        if (size != null) {
            command.addArgument(size);
        }
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        try {
            DefaultExecutor.builder()
                    .setExecuteStreamHandler(new PumpStreamHandler(output))
                    .setWorkingDirectory(file.getParent())
                    .get()
                    .execute(command);
        } catch (ExecuteException e) {
            throw new IllegalStateException(command + ": " + output.toString(StandardCharsets.UTF_8), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }

    /** The section of storage.cfg as PVE decodes it, with further properties, key and value in turn. */
    public Map<String, Object> section(String type, Object... more) {
        Map<String, Object> section = new LinkedHashMap<>();
        section.put("type", type);
        section.put("path", path.toString());
        section.put("content", Map.of("images", 1));
        for (int i = 0; i < more.length; i += 2) {
            section.put(more[i].toString(), more[i + 1]);
        }
        return section;
    }
}
