package dev.tenon.core.backup.host;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The files of a container, with owners by number, access lists, extended attributes, hard links and holes, by tar. What is
 * in {@code ./dev} is left out, as PVE does.
 */
final class Trees {
    private static final Duration DEADLINE = Duration.ofDays(7);
    private static final List<String> KEPT =
            List.of("--numeric-owner", "--xattrs", "--xattrs-include=*", "--anchored", "--exclude=./dev/*");

    private Trees() {}

    /** Whether an archive has access lists as they are, in attributes. */
    private static final String HAS_BINARY_LISTS = """
            tar --list --verbose --verbose --xattrs --xattrs-include='*' --force-local --file="$1" 2>/dev/null |
                grep -q '^ *x: *[0-9]* system[.]posix_acl_'
            """;

    /**
     * Unpacks a tar file, of any compression that tar knows. It may have access lists as attributes, or as text; tar takes
     * away those in attributes if it is asked for text, and text names users, who are others on another host, or none.
     */
    static void unpack(Path file, Path into) {
        String archive = file.toAbsolutePath().toString();
        boolean hasBinaryLists = new Command(List.of("sh", "-c", HAS_BINARY_LISTS, "sh", archive), null, DEADLINE)
                        .end()
                        .exitCode()
                == 0;
        List<String> command = new ArrayList<>(List.of("tar", "--extract", "--preserve-permissions"));
        if (!hasBinaryLists) {
            command.add("--acls");
        }
        command.addAll(KEPT);
        command.addAll(List.of("--file=" + archive, "--force-local", "--directory=" + into));
        new Command(command, "unable to unpack " + Quoted.of(file.toString()), DEADLINE).run();
    }

    /**
     * Copies a directory with what is mounted below it. Access lists go along as the binary attributes that they are: as text
     * tar names users, who are others on another host, or none.
     */
    static void copy(Path from, Path into) throws IOException {
        List<String> pack = new ArrayList<>(List.of("tar", "--create", "--sparse", "--file=-"));
        pack.addAll(KEPT);
        pack.addAll(List.of("--directory=" + from, "."));
        List<String> unpack = new ArrayList<>(List.of("tar", "--extract", "--preserve-permissions", "--file=-"));
        unpack.addAll(KEPT);
        unpack.add("--directory=" + into);
        Path errors = Files.createTempFile("tenon-restore-", ".log");
        List<Process> processes = ProcessBuilder.startPipeline(List.of(said(pack, errors), said(unpack, errors)));
        try {
            for (Process process : processes) {
                if (process.waitFor() != 0) {
                    String words = Files.readString(errors).strip();
                    throw new StorageException(
                            StorageError.COMMAND_FAILED,
                            Outcome.FAILED_CLEAN,
                            "unable to copy " + Quoted.of(from.toString()) + ": "
                                    + (words.isEmpty() ? "tar ended with " + process.exitValue() : last(words)));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException(
                    StorageError.CANCELLED, Outcome.FAILED_CLEAN, "copying the container's files was interrupted", e);
        } finally {
            processes.forEach(Process::destroyForcibly);
            Files.deleteIfExists(errors);
        }
    }

    private static ProcessBuilder said(List<String> command, Path errors) {
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()));
        builder.environment().put("LC_ALL", "C");
        return builder;
    }

    private static String last(String words) {
        return words.substring(words.lastIndexOf('\n') + 1);
    }
}
