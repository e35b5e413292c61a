package dev.tenon.bridge.perl;

import dev.tenon.bridge.codec.Errors;
import dev.tenon.bridge.codec.Functions;
import dev.tenon.bridge.codec.Outgoing;
import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.perl.SidecarSettings.Limit;
import dev.tenon.bridge.session.RemoteCallException;
import dev.tenon.bridge.session.SessionClosedException;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Method;
import dev.tenon.proto.Outcome;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The backup providers of a plugin, each an object in a process of its own that the plugin's first one has forked. Of those
 * that keep nothing, the process ends when there are too many; the next call starts another.
 */
final class Providers implements AutoCloseable {
    private static final String NEW = "newBackupProvider";

    private final Ancestry ancestry;
    private final Runnable renewed;
    private final SidecarSettings settings;
    private final Functions functions;
    private final DescriptorSocket descriptors;

    // guarded by this
    private final List<PerlBackupProvider> open = new ArrayList<>();
    private int starting;
    private boolean isClosed;

    /**
     * Those of one plugin.
     *
     * @param renewed runs when members are of a new version of the plugin
     */
    Providers(
            Ancestry ancestry,
            Runnable renewed,
            SidecarSettings settings,
            Functions functions,
            DescriptorSocket descriptors) {
        this.ancestry = ancestry;
        this.renewed = renewed;
        this.settings = settings;
        this.functions = functions;
        this.descriptors = descriptors;
    }

    /** Whether this is the number of the process of one. */
    synchronized boolean includes(long pid) {
        return open.stream()
                .map(PerlBackupProvider::process)
                .anyMatch(process -> process != null && process.pid() == pid);
    }

    BackupProvider make(Storage storage, TaskLog log) {
        String what = "new_backup_provider of storage '" + storage.id() + "'";
        PerlBackupProvider provider = new PerlBackupProvider(this, storage, log, functions, descriptors);
        PluginProcess process = start(provider, what);
        synchronized (this) {
            provider.setProcess(process);
            open.add(provider);
        }
        return provider;
    }

    /** The process for a call; the call is to be ended. */
    PluginProcess begin(PerlBackupProvider provider, String method, String what, boolean isForFresh) {
        synchronized (this) {
            if (provider.isClosed()) {
                throw Failures.of(ErrorCode.OBJECT_GONE, Outcome.NOT_STARTED, what, "the provider has been closed");
            }
            PluginProcess running = provider.process();
            provider.begin(method);
            if (running != null && running.isAlive()) {
                return running;
            }
        }
        try {
            if (!isForFresh) {
                throw Failures.of(
                        ErrorCode.OBJECT_GONE,
                        Outcome.NOT_STARTED,
                        what,
                        "the provider's process has ended, and what it had begun has failed with it");
            }
            PluginProcess started = start(provider, what);
            synchronized (this) {
                provider.setProcess(started);
            }
            return started;
        } catch (RuntimeException e) {
            end(provider, method);
            throw e;
        }
    }

    synchronized void end(PerlBackupProvider provider, String method) {
        provider.end(method);
    }

    private PluginProcess start(PerlBackupProvider provider, String what) {
        if (settings.members() == 1) {
            throw Failures.of(
                    ErrorCode.NOT_SUPPORTED,
                    Outcome.NOT_STARTED,
                    what,
                    "a backup provider needs a process of its own, and the plugin may have only one: allow more members");
        }
        makeRoom(what);
        try {
            PluginProcess process = ancestry.child(
                    what, System.nanoTime() + settings.limit(Limit.START).toNanos(), renewed);
            try (Outgoing call = new Outgoing(functions, token -> {})) {
                Method row = StorageApi.API.method("new_backup_provider");
                process.session()
                        .call(
                                row.name(),
                                StorageApi.params(NEW, List.of(provider.storage(), provider.log()), call),
                                row.deadline());
                return process;
            } catch (RemoteCallException e) {
                endLater(process);
                throw Errors.fromWire(e.error(), what);
            } catch (SessionClosedException | TimeoutException e) {
                endLater(process);
                throw Failures.of(
                        ErrorCode.SIDECAR_FAILED, Outcome.FAILED_CLEAN, what, "the plugin was lost: " + e.getMessage());
            } catch (InterruptedException e) {
                endLater(process);
                Thread.currentThread().interrupt();
                throw Failures.of(ErrorCode.CANCELLED, Outcome.FAILED_CLEAN, what, "was cancelled");
            }
        } finally {
            synchronized (this) {
                starting--;
            }
        }
    }

    /** Ends the process that was idle longest if there are too many. */
    private void makeRoom(String what) {
        PluginProcess idle = null;
        synchronized (this) {
            if (isClosed) {
                throw Failures.of(ErrorCode.SIDECAR_FAILED, Outcome.NOT_STARTED, what, "the plugin has been closed");
            }
            long running = starting
                    + open.stream()
                            .map(PerlBackupProvider::process)
                            .filter(process -> process != null && process.isAlive())
                            .count();
            if (running >= settings.members()) {
                Optional<PerlBackupProvider> oldest = open.stream()
                        .filter(provider -> provider.isIdle() && isRunning(provider.process()))
                        .min(Comparator.comparingLong(PerlBackupProvider::used));
                if (oldest.isEmpty()) {
                    throw Failures.of(
                            ErrorCode.PLUGIN_BUSY,
                            Outcome.NOT_STARTED,
                            what,
                            running
                                    + " backups or restores of this plugin are under way, as many as there may be members");
                }
                idle = oldest.get().process();
                oldest.get().setProcess(null);
            }
            starting++;
        }
        if (idle != null) {
            endLater(idle);
        }
    }

    private static boolean isRunning(@Nullable PluginProcess process) {
        return process != null && process.isAlive();
    }

    private void endLater(PluginProcess process) {
        Thread.ofPlatform().daemon().name("end-" + process.pid()).start(() -> process.stop(settings.limit(Limit.STOP)));
    }

    void close(PerlBackupProvider provider) {
        PluginProcess process;
        synchronized (this) {
            provider.setClosed();
            open.remove(provider);
            process = provider.process();
        }
        if (process != null) {
            process.stop(settings.limit(Limit.STOP));
        }
    }

    @Override
    public void close() {
        List<PerlBackupProvider> all;
        synchronized (this) {
            isClosed = true;
            all = List.copyOf(open);
        }
        all.forEach(this::close);
    }
}
