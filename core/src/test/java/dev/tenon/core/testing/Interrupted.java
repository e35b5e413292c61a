package dev.tenon.core.testing;

import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.journal.Journalled;
import dev.tenon.core.linux.ProcessIdentity;
import dev.tenon.core.spi.StoragePlugin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Operations whose process ended in the middle, as the journal knows them. */
public final class Interrupted {
    private static final String ENTRY = ".entry";

    private Interrupted() {}

    /**
     * Begins an operation and lets its process end before it is done: what is to have happened until then is for the test
     * to do.
     *
     * @param operation the call, which does not reach the plugin
     */
    public static void begin(Journal journal, StoragePlugin plugin, Consumer<StoragePlugin> operation) {
        Set<Path> before = files(journal);
        StoragePlugin stopping = (StoragePlugin) Proxy.newProxyInstance(
                Interrupted.class.getClassLoader(), new Class<?>[] {StoragePlugin.class}, (_, _, _) -> {
                    throw new Stop();
                });
        try {
            operation.accept(Decorator.decorate(stopping, new Journalled(journal, plugin)));
        } catch (Stop stopped) {
            Path entry = files(journal).stream()
                    .filter(file -> !before.contains(file))
                    .findFirst()
                    .orElseThrow();
            kill(entry);
            return;
        }
        throw new AssertionError("the operation is none that is journalled");
    }

    private static final class Stop extends Error {
        private static final long serialVersionUID = 1L;
    }

    /** Lets the entry be one of a process that has ended, and without an error. */
    private static void kill(Path entry) {
        ProcessIdentity own = ProcessIdentity.own();
        ProcessIdentity dead = new ProcessIdentity(own.node(), own.boot(), own.pid(), own.start() - 1);
        String name = String.valueOf(entry.getFileName()).replace(own.toString(), dead.toString());
        try {
            String text = Files.readString(entry);
            Files.writeString(entry.resolveSibling(name), text.replaceFirst("(?m)^problem=.*\\n", ""));
            Files.delete(entry);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Set<Path> files(Journal journal) {
        if (!Files.isDirectory(journal.directory())) {
            return Set.of();
        }
        try (var files = Files.list(journal.directory())) {
            return files.filter(file -> file.toString().endsWith(ENTRY)).collect(Collectors.toSet());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
