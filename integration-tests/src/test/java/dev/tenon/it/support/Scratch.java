package dev.tenon.it.support;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A scratch directory of one test, or of all tests of a class, and everything that was started in it. A test gets it as
 * a parameter from the {@link Ledger}, which closes it.
 */
public final class Scratch implements Closeable {
    /** What the names of all scratch directories of this process begin with. */
    static final String OWN = "tenon-it-" + ProcessHandle.current().pid() + "-";

    private static final AtomicInteger NUMBERS = new AtomicInteger();

    private final Path root;
    private final Deque<Closeable> started = new ArrayDeque<>();
    private final List<Supplier<String>> logs = Collections.synchronizedList(new ArrayList<>());

    Scratch() {
        try {
            var privately = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
            root = Files.createDirectory(Path.of("/tmp", OWN + NUMBERS.incrementAndGet()), privately);
            Files.createDirectory(runtime(), privately);
            Files.createDirectory(temporary());
            Files.createDirectory(storage());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Path root() {
        return root;
    }

    /** Where sockets go; empty in the end. */
    public Path runtime() {
        return root.resolve("run");
    }

    /** What processes take for /tmp; empty in the end. */
    public Path temporary() {
        return root.resolve("tmp");
    }

    /** The directory of a storage. */
    public Path storage() {
        return root.resolve("store");
    }

    /** A file for anything else. */
    public Path file(String name) {
        return root.resolve(name);
    }

    /** All files below a directory, sorted. */
    public static List<String> files(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile)
                    .map(Path::toString)
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Closes it when the test is over. */
    <T extends Closeable> T closing(T resource) {
        started.push(resource);
        return resource;
    }

    /** Shows this text when the test fails. */
    void logging(String name, Supplier<String> log) {
        logs.add(() -> "---- " + name + "\n" + log.get());
    }

    /** What everything that was started here has said. */
    String logs() {
        StringBuilder all = new StringBuilder();
        synchronized (logs) {
            logs.forEach(log -> all.append(log.get()).append('\n'));
        }
        return all.toString();
    }

    /** Ends everything that was started, whatever fails, and removes the directory. */
    @Override
    public void close() throws IOException {
        List<Throwable> failures = new ArrayList<>();
        while (!started.isEmpty()) {
            try {
                started.pop().close();
            } catch (IOException | RuntimeException | Error e) {
                failures.add(e);
            }
        }
        List<String> left = new ArrayList<>();
        for (Path directory : List.of(runtime(), temporary())) {
            try (var files = Files.walk(directory)) {
                files.filter(file -> !file.equals(directory)).forEach(file -> left.add(file.toString()));
            }
        }
        delete();
        if (!left.isEmpty()) {
            failures.add(new AssertionError("left behind: " + left));
        }
        if (!failures.isEmpty()) {
            AssertionError all = new AssertionError("not everything ended well: " + failures, failures.getFirst());
            failures.stream().skip(1).forEach(all::addSuppressed);
            throw all;
        }
    }

    private void delete() throws IOException {
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e) throws IOException {
                Files.delete(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
