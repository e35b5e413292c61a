package dev.tenon.it.sidebyside;

import dev.tenon.it.support.Installation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Two storages that get the same operations, and what differs. */
final class Comparison {
    private static final int SHOWN_STEPS = 20;
    private static final int ALL_LISTED = 10;
    /** File systems allocate what programs write when they like. */
    private static final long ALLOCATED_BYTES = 256 << 10;

    private final Side perl;
    private final Side java;
    private final RandomOperations operations;
    private final boolean hasSnapshotChains;
    private final Deque<String> latest = new ArrayDeque<>();

    Comparison(Side perl, Side java, RandomOperations operations, boolean hasSnapshotChains) {
        this.perl = perl;
        this.java = java;
        this.operations = operations;
        this.hasSnapshotChains = hasSnapshotChains;
    }

    /** Compares the listing of the guests that an operation is about after each, and all of it now and then. */
    void run(int steps, long seed) {
        for (int step = 1; step <= steps; step++) {
            Operation operation = next();
            boolean isAll = step % ALL_LISTED == 0 || step == steps;
            List<String> differences =
                    step(operation, isAll ? Collections.singletonList(null) : new ArrayList<>(operation.guests()));
            if (!differences.isEmpty()) {
                throw new AssertionError("seed " + seed + ", step " + step + ": " + operation + "\n"
                        + String.join("\n", differences) + "\nthe last steps:\n" + String.join("\n", latest));
            }
        }
    }

    private Operation next() {
        Operation operation = operations.next();
        while (difference(operation).filter(known -> known.fragment() == null).isPresent()) {
            operation = operations.next();
        }
        return operation;
    }

    private Optional<Difference> difference(Operation operation) {
        return Difference.of(operation, operations, hasSnapshotChains);
    }

    private List<String> step(Operation operation, List<@Nullable String> guests) {
        Optional<String> deliberate = difference(operation).map(Difference::fragment);
        CompletableFuture<Observation> observed = CompletableFuture.supplyAsync(
                () -> Observation.of(perl, deliberate.isPresent() ? null : operation, guests));
        Observation ofJava = Observation.of(java, operation, guests);
        Observation ofPerl = observed.join();
        remember(operation, ofPerl.answer(), ofJava.answer());

        List<String> differences = new ArrayList<>();
        if (deliberate.isPresent()) {
            if (!String.valueOf(ofJava.answer().error()).contains(deliberate.get())) {
                differences.add("Java was to refuse this: " + deliberate.get());
            }
        } else if (!agree(ofPerl.answer(), ofJava.answer())) {
            differences.add("answers differ:");
        } else if (!ofPerl.infos().equals(ofJava.infos())) {
            differences.add("qemu-img info differs:\n  perl: " + ofPerl.infos() + "\n  java: " + ofJava.infos());
        }
        compareListings(ofPerl.listed(), ofJava.listed(), differences);
        compareFiles(ofPerl.files(), ofJava.files(), differences);
        operations.happened(operation, ofJava.answer(), java.list(null));
        if (!differences.isEmpty()) {
            differences.add("  perl: " + ofPerl.answer());
            differences.add("  java: " + ofJava.answer());
        }
        return differences;
    }

    private void remember(Operation operation, Answer ofPerl, Answer ofJava) {
        latest.add(operation + " " + ofPerl + (ofPerl.equals(ofJava) ? "" : " | java " + ofJava));
        if (latest.size() > SHOWN_STEPS) {
            latest.remove();
        }
    }

    private static boolean agree(Answer perl, Answer java) {
        String ofPerl = perl.error();
        String ofJava = java.error();
        if (ofPerl != null && ofJava != null) {
            return Refusals.agree(ofPerl, ofJava);
        }
        return perl.equals(java);
    }

    private static void compareListings(List<Listed> perl, List<Listed> java, List<String> differences) {
        if (perl.size() != java.size()) {
            differences.add("listings differ:\n  perl: " + perl + "\n  java: " + java);
            return;
        }
        for (int i = 0; i < perl.size(); i++) {
            Listed one = perl.get(i);
            Listed other = java.get(i);
            boolean isAllocatedAlike = Math.abs(one.used() - other.used()) <= ALLOCATED_BYTES;
            if (!isAllocatedAlike || !one.equals(other.using(one.used()))) {
                differences.add("listings differ:\n  perl: " + one + "\n  java: " + other);
            }
        }
    }

    private void compareFiles(
            SortedMap<String, String> perl, SortedMap<String, String> java, List<String> differences) {
        Set<String> names = new TreeSet<>(perl.keySet());
        names.addAll(java.keySet());
        for (String name : names) {
            String ofPerl = perl.get(name);
            String ofJava = java.get(name);
            if (ofPerl != null && ofJava != null) {
                if (!ofPerl.equals(ofJava) && !isClosed(ofPerl, ofJava)) {
                    differences.add("'" + name + "' is " + ofPerl + " in Perl and " + ofJava + " in Java");
                }
            } else if (!removeIfEmpty((ofPerl == null ? this.java : this.perl).directory(), name)) {
                differences.add("'" + name + "' is only in " + (ofPerl == null ? "Java" : "Perl"));
            }
        }
    }

    /** What PVE makes outside of an allocation has the mode of any file; Tenon lets nobody else read an image. */
    private static boolean isClosed(String perl, String java) {
        boolean isFile = perl.equals("rw-r--r--") && java.equals("rw-r-----");
        boolean isDirectory = perl.equals("rwxr-xr-x") && java.equals("rwxr-----");
        return Installation.pveLibrary() != null && (isFile || isDirectory);
    }

    /** The directory of a guest without images is nothing; PVE leaves one when it refuses what it has begun. */
    private static boolean removeIfEmpty(Path directory, String name) {
        if (!name.matches("images/(\\d+/)?")) {
            return false;
        }
        try {
            Files.delete(directory.resolve(name));
            return true;
        } catch (DirectoryNotEmptyException e) {
            return false;
        } catch (NoSuchFileException e) {
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
