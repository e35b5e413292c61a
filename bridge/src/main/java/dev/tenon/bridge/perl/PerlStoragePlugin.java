package dev.tenon.bridge.perl;

import dev.tenon.bridge.codec.Errors;
import dev.tenon.bridge.codec.Functions;
import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.bridge.session.CallHandler;
import dev.tenon.bridge.session.RemoteCallException;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.session.SessionClosedException;
import dev.tenon.bridge.storage.CallingPlugin;
import dev.tenon.bridge.storage.Dialect;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.WholeImport;
import dev.tenon.core.storage.directory.InheritedBase;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Method;
import dev.tenon.proto.MethodTable;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.WireError;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An existing Perl plugin, unmodified, as a storage plugin. It runs in a process of its own, one call at a time; calls of
 * many threads wait in line. A call that takes longer than its method may, from the moment it was made, fails, and the
 * process with it; a process that ends is started anew by the next call, after a pause that grows while it keeps ending.
 *
 * <p>Errors are {@link dev.tenon.bridge.codec.RemoteStorageException}: {@code PLUGIN_DIED} with the plugin's own text,
 * {@code SIDECAR_FAILED} with exit status or signal and the last lines it printed, {@code DEADLINE_EXCEEDED}; all tell the
 * outcome. After {@code UNKNOWN} look at the storage before repeating a call that changes it.
 */
public final class PerlStoragePlugin extends CallingPlugin implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PerlStoragePlugin.class);
    private static final MethodTable TABLE = StorageApi.API.table();
    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(100);
    private static final int LONGEST_PAUSE_DOUBLINGS = 7;
    private static final Duration LONGEST_WORK = Duration.ofDays(7);

    private final UnixSockets sockets;
    private final SidecarSettings settings;
    private final ReentrantLock oneCall = new ReentrantLock(true);
    private final ScopedValue<Sidecar> lockHolder = ScopedValue.newInstance();
    private volatile String underWay = "nothing";

    // guarded by oneCall
    private volatile @Nullable Sidecar sidecar;
    private CompletableFuture<?> retired = CompletableFuture.completedFuture(null);
    private int failures;
    private long notBefore = System.nanoTime();
    private volatile boolean closed;

    private final DescriptorSocket descriptors;
    private final PluginDescription description;

    private PerlStoragePlugin(UnixSockets sockets, SidecarSettings settings) {
        this.sockets = sockets;
        this.settings = settings;
        try {
            this.descriptors = Sidecar.descriptorsIn(settings.runtime(), this::isSidecar);
        } catch (IOException e) {
            throw StorageException.refused(
                    StorageError.SIDECAR_FAILED, "plugin " + settings.plugin().getFileName() + ": " + e.getMessage());
        }
        try {
            Sidecar first = Sidecar.start(sockets, settings, this::nested, descriptors);
            this.sidecar = first;
            this.description = first.description();
        } catch (RuntimeException e) {
            descriptors.close();
            throw e;
        }
    }

    private boolean isSidecar(long pid) {
        Sidecar current = sidecar;
        return current != null && current.pid() == pid;
    }

    /**
     * Starts the plugin's process.
     *
     * @throws StorageException {@code PLUGIN_REJECTED} if the file is no plugin that can be hosted, with Perl's own
     *     complaint; {@code SIDECAR_FAILED} if the process does not start
     */
    public static PerlStoragePlugin start(UnixSockets sockets, SidecarSettings settings) {
        return new PerlStoragePlugin(sockets, settings);
    }

    /** What the plugin is. */
    public PluginDescription description() {
        return description;
    }

    /** The process that hosts the plugin now, absent if it ended and no call came since. */
    public OptionalLong pid() {
        Sidecar current = sidecar;
        return current == null || !current.isAlive() ? OptionalLong.empty() : OptionalLong.of(current.pid());
    }

    @Override
    public String type() {
        return description.type();
    }

    @Override
    protected Dialect dialect() {
        return description.dialect();
    }

    /** What the plugin calls while it runs: functions that came with its call, and PVE's base class, which is in Java. */
    private CallHandler nested(Session session) {
        ServedPlugins base =
                ServedPlugins.ofStorages(Map.of("base", new InheritedBase(new OwnMethods(session, descriptors))));
        return call ->
                call.method().equals(Functions.METHOD) ? functions.run(call.params()) : base.handle(call, descriptors);
    }

    @Override
    protected <T> T offering(int descriptor, Function<String, T> call) {
        return offering(descriptors, descriptor, call);
    }

    private static <T> T offering(DescriptorSocket descriptors, int descriptor, Function<String, T> call) {
        try (DescriptorSocket.Offer offer = descriptors.offer(descriptor)) {
            return call.apply(offer.token());
        }
    }

    /** What is inherited from the base class in Java needs no way through Perl. */
    private boolean isAnsweredHere(String method) {
        return description.pve().equals("compat") && !description.overrides().contains(method);
    }

    @Override
    public void exportVolume(
            Storage storage, VolumeName volume, String format, Transfer transfer, ExportStream stream) {
        if (isAnsweredHere("volume_export")) {
            new InheritedBase(this).exportVolume(storage, volume, format, transfer, stream);
        } else {
            super.exportVolume(storage, volume, format, transfer, stream);
        }
    }

    @Override
    public VolumeId importVolume(
            Storage storage,
            VolumeName volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            ImportStream stream) {
        if (isAnsweredHere("volume_import")) {
            return new InheritedBase(this).importVolume(storage, volume, format, transfer, allowRename, stream);
        }
        Supplier<VolumeId> importing = () -> new WholeImport(this, storage, volume, allowRename)
                .run(
                        wasFree -> importVolume(storage, volume, format, transfer, allowRename, wasFree, stream),
                        Runnable::run);
        if (lockHolder.isBound()) {
            return importing.get();
        }
        // Nobody else's call comes between a failure and the removal of what is half made.
        return inTurn(
                "volume_import of volume '" + new VolumeId(storage.id(), volume) + "'",
                limitOf(TABLE.method("volume_import")),
                importing);
    }

    /** Not in line with the calls, since it may last for hours; the sidecar does it in a process of its own. */
    @Override
    protected void claim(String token) {
        String what = "the work that free_image left";
        Sidecar current = sidecar;
        if (current == null || !current.isAlive()) {
            throw failed(
                    ErrorCode.SIDECAR_FAILED,
                    Outcome.NOT_STARTED,
                    what,
                    "the plugin's process that kept it has ended; look at the storage for what is left");
        }
        try {
            current.session().call("claim", Value.fields("token", new Value.Text(token)), LONGEST_WORK);
        } catch (RemoteCallException e) {
            throw Errors.fromWire(e.error(), what);
        } catch (SessionClosedException | TimeoutException e) {
            throw failed(ErrorCode.SIDECAR_FAILED, Outcome.UNKNOWN, what, "the plugin was lost: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed(ErrorCode.CANCELLED, Outcome.UNKNOWN, what, "was cancelled");
        }
    }

    /** The plugin's lock is held by its process, in a call that lasts as long as the work: the work's calls go into it. */
    @Override
    public void lockStorage(StorageId storage, boolean isShared, @Nullable Duration timeout, Runnable work) {
        super.lockStorage(storage, isShared, timeout, () -> {
            Sidecar holder = Objects.requireNonNull(sidecar, "a process called");
            ScopedValue.where(lockHolder, holder).run(work);
        });
    }

    private Value callOfLockHolder(Sidecar holder, String method, Fields params) {
        try {
            return callInCall(holder.session(), method, params);
        } catch (StorageException e) {
            if (e.error() == StorageError.DEADLINE_EXCEEDED) {
                // The call around it would wait for the plugin as long as a lock may be held.
                Thread.ofPlatform()
                        .daemon()
                        .name("end-" + holder.pid())
                        .start(() -> holder.terminate(settings.stopLimit()));
            }
            throw e;
        }
    }

    @Override
    protected Value call(String method, Fields params) {
        if (lockHolder.isBound()) {
            return callOfLockHolder(lockHolder.get(), method, params);
        }
        Method row = TABLE.method(method);
        String what = what(method, params);
        Duration limit = limitOf(row);
        long deadline = System.nanoTime() + limit.toNanos();
        return inTurn(what, limit, () -> callRunning(row, what, params, deadline));
    }

    /** Waits for the turn of this thread, in which the plugin is called by nobody else. */
    private <T> T inTurn(String what, Duration limit, Supplier<T> work) {
        try {
            if (!oneCall.tryLock(limit.toNanos(), TimeUnit.NANOSECONDS)) {
                throw failed(
                        ErrorCode.DEADLINE_EXCEEDED,
                        Outcome.NOT_STARTED,
                        what,
                        "waited " + seconds(limit) + " for the plugin, which is busy with " + underWay);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed(
                    ErrorCode.CANCELLED, Outcome.NOT_STARTED, what, "was cancelled while it waited for the plugin");
        }
        String outer = underWay;
        try {
            underWay = what;
            return work.get();
        } finally {
            underWay = outer;
            oneCall.unlock();
        }
    }

    private Duration limitOf(Method row) {
        return row.deadline().compareTo(settings.callLimit()) < 0 ? row.deadline() : settings.callLimit();
    }

    private static String seconds(Duration limit) {
        return limit.toMillisPart() == 0 ? limit.toSeconds() + " s" : limit.toMillis() + " ms";
    }

    /** A result that is wrong belongs to a call that was made; anything else broke the contract before. */
    private static Outcome outcomeOf(ProtocolException e) {
        return e.code() == ErrorCode.BAD_RESULT ? Outcome.UNKNOWN : Outcome.NOT_STARTED;
    }

    private Value callRunning(Method row, String what, Fields params, long deadline) {
        Sidecar current = running(what, deadline);
        current.output().during(what);
        try {
            Value answer = current.session().call(row.name(), params, left(deadline));
            failures = 0;
            row.checkResult(answer);
            return answer;
        } catch (RemoteCallException e) {
            failures = 0;
            throw Errors.fromWire(e.error(), what);
        } catch (ProtocolException e) {
            throw failed(e.code(), outcomeOf(e), what, e.getMessage());
        } catch (SessionClosedException e) {
            throw died(current, what, e);
        } catch (TimeoutException e) {
            retire(current);
            throw failed(
                    ErrorCode.DEADLINE_EXCEEDED,
                    Outcome.UNKNOWN,
                    what,
                    "the plugin did not answer within " + seconds(limitOf(row)) + "; its process " + current.pid()
                            + " is being stopped");
        } catch (InterruptedException e) {
            retire(current);
            Thread.currentThread().interrupt();
            throw failed(
                    ErrorCode.CANCELLED,
                    Outcome.UNKNOWN,
                    what,
                    "was cancelled; the plugin's process " + current.pid() + " is being stopped");
        } finally {
            current.output().over();
        }
    }

    private StorageException died(Sidecar dead, String what, SessionClosedException lost) {
        paused();
        sidecar = null;
        try {
            String obituary = dead.obituary(lost);
            LOG.error("event=sidecar-died plugin={} call=\"{}\" {}", description.packageName(), what, obituary);
            return failed(
                    ErrorCode.SIDECAR_FAILED,
                    Outcome.UNKNOWN,
                    what,
                    "the plugin was lost: " + obituary + "; whether the call took effect is not known");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return failed(ErrorCode.SIDECAR_FAILED, Outcome.UNKNOWN, what, "the plugin was lost: " + lost.getMessage());
        }
    }

    /** Counts a failure; the first costs no pause, each further one twice the last. */
    private void paused() {
        failures++;
        long pause = failures < 2 ? 0 : SHORTEST_PAUSE.toNanos() << Math.min(failures - 2, LONGEST_PAUSE_DOUBLINGS);
        notBefore = System.nanoTime() + pause;
    }

    private void retire(Sidecar stuck) {
        paused();
        sidecar = null;
        CompletableFuture<Void> gone = new CompletableFuture<>();
        retired = gone;
        Thread.ofPlatform().daemon().name("retire-" + stuck.pid()).start(() -> {
            stuck.terminate(settings.stopLimit());
            gone.complete(null);
        });
    }

    /** The process to call; the same plugin never runs in two at once. */
    private Sidecar running(String what, long deadline) {
        if (closed) {
            throw failed(ErrorCode.SIDECAR_FAILED, Outcome.NOT_STARTED, what, "the plugin has been closed");
        }
        Sidecar current = sidecar;
        if (current != null && current.isAlive()) {
            return current;
        }
        if (current != null) {
            LOG.warn("event=sidecar-ended-idle plugin={} pid={}", description.packageName(), current.pid());
            sidecar = null;
            paused();
        }
        awaitTurn(what, deadline);
        try {
            Sidecar started = Sidecar.start(sockets, settings, this::nested, descriptors);
            sidecar = started;
            return started;
        } catch (StorageException e) {
            paused();
            throw failed(
                    ErrorCode.valueOf(e.error().name()), Outcome.NOT_STARTED, what, String.valueOf(e.getMessage()));
        }
    }

    /** Waits until the former process is gone and the pause after its failures is over. */
    private void awaitTurn(String what, long deadline) {
        try {
            retired.get(Math.max(0, left(deadline).toNanos()), TimeUnit.NANOSECONDS);
            long pause = notBefore - System.nanoTime();
            if (pause > left(deadline).toNanos()) {
                throw failed(
                        ErrorCode.SIDECAR_FAILED,
                        Outcome.NOT_STARTED,
                        what,
                        "the plugin ended " + failures + " times in a row and is started again in "
                                + TimeUnit.NANOSECONDS.toMillis(pause) + " ms");
            }
            if (pause > 0) {
                TimeUnit.NANOSECONDS.sleep(pause);
            }
        } catch (TimeoutException | ExecutionException e) {
            throw failed(
                    ErrorCode.DEADLINE_EXCEEDED,
                    Outcome.NOT_STARTED,
                    what,
                    "the plugin's former process has not ended yet");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed(ErrorCode.CANCELLED, Outcome.NOT_STARTED, what, "was cancelled while the plugin was started");
        }
    }

    private static Duration left(long deadline) {
        return Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
    }

    /** The call in words, for errors and the log. */
    private static String what(String method, Fields params) {
        StringBuilder what = new StringBuilder(method);
        if (params.get("storeid") instanceof Value.Text(String storage)) {
            what.append(" of storage '").append(storage).append('\'');
        }
        if (params.get("volname") instanceof Value.Text(String volume)) {
            what.append(", volume '").append(volume).append('\'');
        }
        return what.toString();
    }

    private static StorageException failed(ErrorCode code, Outcome outcome, String what, String why) {
        return Errors.fromWire(WireError.of(code, outcome, "host", what + ": " + why), what);
    }

    /** A call into a process that is in a call already, and serves this one meanwhile. */
    private static Value callInCall(Session session, String method, Fields params) {
        Method row = TABLE.method(method);
        try {
            Value answer = session.call(method, params, row.deadline());
            row.checkResult(answer);
            return answer;
        } catch (RemoteCallException e) {
            throw Errors.fromWire(e.error(), what(method, params));
        } catch (ProtocolException e) {
            throw failed(e.code(), outcomeOf(e), what(method, params), e.getMessage());
        } catch (SessionClosedException e) {
            throw failed(ErrorCode.SIDECAR_FAILED, Outcome.UNKNOWN, what(method, params), e.getMessage());
        } catch (TimeoutException e) {
            throw failed(ErrorCode.DEADLINE_EXCEEDED, Outcome.UNKNOWN, what(method, params), "no answer came in time");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed(ErrorCode.CANCELLED, Outcome.UNKNOWN, what(method, params), "was interrupted");
        }
    }

    /** Lets the plugin log out of its storage and ends its process. A call that is stuck loses its process first. */
    @Override
    public void close() {
        closed = true;
        endStuckCall();
        oneCall.lock();
        try {
            Sidecar current = sidecar;
            sidecar = null;
            if (current != null) {
                current.stop(settings.stopLimit());
            }
            retired.join();
        } finally {
            descriptors.close();
            oneCall.unlock();
        }
    }

    private void endStuckCall() {
        try {
            if (oneCall.tryLock(settings.stopLimit().toNanos(), TimeUnit.NANOSECONDS)) {
                oneCall.unlock();
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Sidecar stuck = sidecar;
        if (stuck != null) {
            stuck.terminate(settings.stopLimit());
        }
    }

    /** The plugin's own methods, which its base class calls. */
    private static final class OwnMethods extends CallingPlugin {
        private final Session session;
        private final DescriptorSocket descriptors;

        OwnMethods(Session session, DescriptorSocket descriptors) {
            this.session = session;
            this.descriptors = descriptors;
        }

        @Override
        protected <T> T offering(int descriptor, Function<String, T> call) {
            return PerlStoragePlugin.offering(descriptors, descriptor, call);
        }

        @Override
        protected Dialect dialect() {
            return PluginDescription.of(
                            session.opened().join().get("plugin") instanceof Fields facts ? facts : Value.fields())
                    .dialect();
        }

        @Override
        protected void claim(String token) {
            throw failed(ErrorCode.NOT_SUPPORTED, Outcome.NOT_STARTED, "claim", "the base class leaves no work");
        }

        @Override
        protected Value call(String method, Fields params) {
            return callInCall(session, method, params);
        }
    }
}
