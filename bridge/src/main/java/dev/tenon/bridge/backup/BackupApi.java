package dev.tenon.bridge.backup;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.codec.Incoming;
import dev.tenon.bridge.codec.Lasting;
import dev.tenon.bridge.codec.TypedApi;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.BackupStatistics;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.proto.Api;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Nil;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The backup provider API, as it crosses: every row of its table is a method of {@link BackupProvider}. */
public final class BackupApi {
    public static final Api API = Api.named("backup-provider");

    private static final Logger LOG = LoggerFactory.getLogger(BackupApi.class);

    static final TypedApi<BackupProvider> TYPED =
            new TypedApi<>(API, BackupProvider.class, BackupTypes.all(), Map.of("backup_cleanup", BackupApi::cleanup));

    private static final Set<String> BEGINNING = Set.of("job_init", "restore_vm_init", "restore_container_init");
    private static final Set<String> ENDING = Set.of("job_cleanup", "restore_vm_cleanup", "restore_container_cleanup");

    /**
     * An object stays where it is made. Only a token for it crosses; each side makes and uses such tokens in its own way.
     */
    public static final Codec<BackupProvider> BY_TOKEN = Codec.of(
            provider -> {
                throw noObject();
            },
            token -> {
                throw noObject();
            });

    private BackupApi() {}

    private static StorageException noObject() {
        return StorageException.refused(
                StorageError.NOT_SUPPORTED, "new_backup_provider: an object needs a process of its own to stay in");
    }

    /** Whether a method begins something that an object keeps in memory. */
    public static boolean begins(String method) {
        return BEGINNING.contains(method);
    }

    /** Whether a method ends what another one has begun. */
    public static boolean ends(String method) {
        return ENDING.contains(method);
    }

    /** Whether this call may be made on an object on which nothing was called before. */
    public static boolean isForFresh(String method, Fields params) {
        return API.method(method).isFresh()
                || (method.equals("backup_cleanup") && params.get("success").equals(new Bool(false)));
    }

    /**
     * A provider of a storage as an object that the far side calls. It is interrupted when its caller has gone. If a VM was
     * being backed up then, its QEMU still has what PVE made there, and the log says how it is ended.
     */
    private static Lasting lasting(StorageId storage, BackupProvider provider, CallLog log) {
        AtomicReference<@Nullable Value> shown = new AtomicReference<>();
        return new Lasting(
                API,
                (method, params, caller) -> {
                    switch (method) {
                        case "backup_vm_query_incremental" -> shown.set(params.get("vmid"));
                        case "backup_cleanup" -> shown.set(null);
                        default -> {}
                    }
                    try (Presence _ = Presence.of(caller, params.get("holder"))) {
                        return log.during(
                                params.get("log"), caller, () -> TYPED.call(provider, method, params, caller));
                    }
                },
                BackupApi::begins,
                BackupApi::ends,
                () -> {
                    if (shown.get() instanceof Int(long guest)) {
                        LOG.warn(
                                "event=backup-host-gone storage={} guest={} todo=\"if the next backup of this VM fails: tenon"
                                        + " backup end-access --storage {} --vmid {}\"",
                                storage,
                                guest,
                                storage,
                                guest);
                    }
                    provider.close();
                });
    }

    /**
     * Makes a provider for the far side to call.
     *
     * @param function the number of the caller's function that takes the provider's lines, nil if it wants none
     * @return the token that the far side calls it by
     */
    public static Value held(
            StorageId storage, Value function, Caller caller, Function<TaskLog, BackupProvider> making) {
        CallLog log = new CallLog();
        BackupProvider provider = log.during(function, caller, () -> making.apply(log));
        return Value.ofText(caller.hold(lasting(storage, provider, log)));
    }

    /** Success and failure are two methods, because only a success has statistics. */
    private static Value cleanup(BackupProvider provider, Fields params, Incoming call) {
        Vmid guest = new Vmid(Codec.INTEGER.read(params.get("vmid")));
        GuestType type = type(params.get("vmtype"));
        if (!params.get("success").equals(new Bool(true))) {
            Value error = params.get("error");
            provider.abortBackup(guest, type, error instanceof Nil ? "" : Codec.TEXT.read(error));
            return Nil.NIL;
        }
        if (type == null) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, "backup_cleanup: a backup that succeeded has a guest of some type");
        }
        BackupStatistics statistics = provider.cleanupBackup(guest, type);
        return new Int(statistics.archiveSize().bytes());
    }

    private static @Nullable GuestType type(Value word) {
        return word instanceof Nil ? null : BackupTypes.GUEST_TYPE.read(word);
    }

    /** The calling thread is interrupted if its caller goes while this is open. */
    private static final class Presence implements AutoCloseable {
        private final Thread thread = Thread.currentThread();

        // guarded by this
        private boolean isOver;
        private boolean hasInterrupted;

        /** The process that waits for the call may have its parent's connection, which outlives it. */
        static Presence of(Caller caller, Value holder) {
            Presence presence = new Presence();
            caller.whenGone(why -> presence.gone());
            if (holder instanceof Int(long process)) {
                caller.whenEnded(process, presence::gone);
            }
            return presence;
        }

        private synchronized void gone() {
            if (!isOver) {
                hasInterrupted = true;
                thread.interrupt();
            }
        }

        @Override
        public synchronized void close() {
            isOver = true;
            if (hasInterrupted) {
                // The interruption was for the call, and the thread goes on with others.
                Thread.interrupted();
            }
        }
    }
}
