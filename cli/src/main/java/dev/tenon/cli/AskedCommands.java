package dev.tenon.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.tenon.bridge.serve.CommandRunner;
import dev.tenon.cli.console.Terminal;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.regex.Pattern;
import org.slf4j.LoggerFactory;

/**
 * The commands that the daemon runs for other processes, each as that process would: the same code, on a thread of its own,
 * whose output is kept until it has ended. Whatever might come out differently is refused, and that process does it itself.
 */
final class AskedCommands implements CommandRunner {
    /** Those that only read, by their first words. */
    static final Set<List<String>> KNOWN = Set.of(
            List.of("backup", "list"),
            List.of("status"),
            List.of("storage", "list"),
            List.of("storage", "status"),
            List.of("volume", "info"),
            List.of("volume", "list"),
            List.of("volume", "path"),
            List.of("volume", "snapshots"));

    /** Where the files of a process are, which the daemon would take for its own. */
    private static final Pattern OF_PROCESS = Pattern.compile("^/(dev|proc)(/|$)");

    /** Options that have to do with processes of plugins, or print help, which no daemon is needed for. */
    private static final Set<String> OWN_OPTIONS =
            Set.of("--accept-old", "--help", "--members", "--plugin", "--pve-lib", "--version");

    /** How many may be under way at once. One whose storage hangs in the kernel counts until that answers. */
    private static final int MOST = 8;

    /** A frame has less than 16 MiB, and a character at most 3 bytes. */
    private static final int MOST_CHARACTERS = 5 << 20;

    private final OwnPlace own;
    private final Set<String> served;
    private final Set<InDaemon> running = ConcurrentHashMap.newKeySet();

    // guarded by this
    private final Set<ThreadGroup> underWay = new HashSet<>();

    /**
     * Those of a daemon.
     *
     * @param served the storage types that it serves
     */
    AskedCommands(Set<String> served) {
        this.own = OwnPlace.now();
        this.served = Set.copyOf(served);
        if (LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME) instanceof Logger root) {
            Doubts doubts = new Doubts(own.isLoggingChosen() ? Level.TRACE : Level.WARN);
            doubts.setContext(root.getLoggerContext());
            doubts.start();
            root.addAppender(doubts);
        }
    }

    /**
     * In a process of its own, a command would have said on standard error what goes into the daemon's log here. Some of its
     * work may be done by a thread that works for others, too, so whatever is logged counts.
     */
    private final class Doubts extends AppenderBase<ILoggingEvent> {
        private final Level from;

        Doubts(Level from) {
            this.from = from;
        }

        @Override
        protected void append(ILoggingEvent event) {
            if (event.getLevel().isGreaterOrEqual(from)) {
                running.forEach(command -> command.logged(event.getFormattedMessage()));
            }
        }
    }

    @Override
    public Ended run(Asked asked, CompletionStage<?> gone) throws InterruptedException {
        refuseUnknown(asked.words(), asked.directory());
        own.refuseOther(asked);
        InDaemon daemon = new InDaemon(served);
        running.add(daemon);
        try {
            return run(asked, daemon, gone);
        } finally {
            running.remove(daemon);
        }
    }

    private Ended run(Asked asked, InDaemon daemon, CompletionStage<?> gone) throws InterruptedException {
        KeptOutput output = new KeptOutput(MOST_CHARACTERS);
        CompletableFuture<Integer> status = new CompletableFuture<>();
        Thread worker = start(() -> {
            try {
                status.complete(Tenon.run(
                        surroundings(asked, daemon, output), asked.words().toArray(String[]::new)));
            } catch (RuntimeException | Error e) {
                status.completeExceptionally(e);
            }
        });
        var _ = gone.thenRun(() -> {
            worker.interrupt();
            status.completeExceptionally(new IllegalStateException("its caller is gone"));
        });
        int ended;
        try {
            ended = status.get();
        } catch (InterruptedException e) {
            worker.interrupt();
            throw e;
        } catch (ExecutionException e) {
            throw refused(String.valueOf(e.getCause()));
        }
        Optional<String> doubt = daemon.doubt(ended == ExitStatus.FAILED);
        if (doubt.isPresent()) {
            throw refused(doubt.get());
        }
        return new Ended(ended, output.printed().orElseThrow(() -> refused("its output is long")));
    }

    private static Surroundings surroundings(Asked asked, InDaemon daemon, KeptOutput output) {
        Terminal terminal = asked.columns() == 0
                ? Terminal.NONE
                : new Terminal(true, asked.columns(), !asked.environment().containsKey("NO_COLOR"));
        return new Surroundings(
                new DataStreams.Nothing(),
                new PrintWriter(output.writer(false), true),
                new PrintWriter(output.writer(true), true),
                Path.of(asked.directory()),
                asked.environment(),
                terminal,
                daemon);
    }

    private static void refuseUnknown(List<String> words, String directory) {
        boolean isKnown = KNOWN.stream()
                .anyMatch(known -> words.size() >= known.size()
                        && words.subList(0, known.size()).equals(known));
        if (!isKnown) {
            throw refused("it is none of those that the daemon runs");
        }
        if (OF_PROCESS.matcher(directory).find()) {
            throw refused("of the directory '" + directory + "'");
        }
        for (String word : words) {
            boolean isShort = word.startsWith("-") && !word.startsWith("--");
            boolean isOwn = OWN_OPTIONS.contains(word.replaceFirst("=.*", ""));
            // The files of a process, which picocli and the kernel know.
            boolean isOfProcess = word.startsWith("@") || word.contains("dev/") || word.contains("proc/");
            if (isShort || isOwn || isOfProcess) {
                throw refused("of the word '" + word + "'");
            }
        }
    }

    private synchronized Thread start(Runnable work) {
        underWay.removeIf(group -> group.activeCount() == 0);
        if (underWay.size() >= MOST) {
            throw refused(MOST + " are under way");
        }
        ThreadGroup group = new ThreadGroup("command");
        Thread thread = new Thread(group, work, "command");
        thread.setDaemon(true);
        thread.start();
        underWay.add(group);
        return thread;
    }

    static StorageException refused(String reason) {
        return StorageException.refused(StorageError.NOT_SUPPORTED, "the daemon does not run the command: " + reason);
    }
}
