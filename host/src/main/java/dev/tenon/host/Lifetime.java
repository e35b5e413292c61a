package dev.tenon.host;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.core.decorator.CircuitBreaker;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.decorator.StatusCache;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.journal.Journalled;
import dev.tenon.core.spi.StoragePlugin;
import java.time.Duration;

/** How long the plugins of a host are used, and therefore which decorators they get. */
public enum Lifetime {
    /** For one command, which waits for its storages and asks them again each time. */
    COMMAND {
        @Override
        StoragePlugin decorate(PerlStoragePlugin plugin, Journal journal) {
            return decorate((StoragePlugin) plugin, journal);
        }
    },

    /**
     * For many calls of others: nobody may wait long for a storage that does not answer, or ask twice what was just
     * answered.
     */
    DAEMON {
        @Override
        StoragePlugin decorate(PerlStoragePlugin plugin, Journal journal) {
            return Decorator.decorate(
                    plugin,
                    new StatusCache(StatusCache.Settings.USUAL),
                    new CircuitBreaker(SILENCES, PAUSE),
                    new Journalled(journal, plugin));
        }
    };

    private static final int SILENCES = 3;
    private static final Duration PAUSE = Duration.ofSeconds(5);

    /** Puts the decorators around a plugin in Perl. */
    abstract StoragePlugin decorate(PerlStoragePlugin plugin, Journal journal);

    /** Puts the decorators around a storage type in Java. */
    StoragePlugin decorate(StoragePlugin plugin, Journal journal) {
        return Decorator.decorate(plugin, new Journalled(journal, plugin));
    }
}
