package dev.tenon.bridge.perl;

import dev.tenon.bridge.backup.BackupApi;
import dev.tenon.bridge.backup.CallingProvider;
import dev.tenon.bridge.codec.Errors;
import dev.tenon.bridge.codec.Functions;
import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.session.RemoteCallException;
import dev.tenon.bridge.session.SessionClosedException;
import dev.tenon.core.linux.ProcessGroup;
import dev.tenon.core.spi.Host;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Method;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A backup provider written in Perl, in a process of its own, as in PVE's worker: it keeps what it likes between calls. If
 * the process ends, what it had begun has failed; the calls that clean up are then made on a new object, in a new process.
 */
final class PerlBackupProvider extends CallingProvider {
    /** PVE kills a worker that is stopped after 5 s; this process says what happened before. */
    private static final Duration TO_STOP = Duration.ofSeconds(4);

    private final Providers providers;
    private final Storage storage;
    private final TaskLog log;

    // guarded by the providers
    private @Nullable PluginProcess process;
    private boolean keeps;
    private boolean isCalled;
    private boolean isClosed;
    private long used = System.nanoTime();

    PerlBackupProvider(
            Providers providers, Storage storage, TaskLog log, Functions functions, DescriptorSocket descriptors) {
        super(functions, log, descriptors);
        this.providers = providers;
        this.storage = storage;
        this.log = log;
    }

    Storage storage() {
        return storage;
    }

    TaskLog log() {
        return log;
    }

    // ---- what the providers know of it, and guard

    @Nullable
    PluginProcess process() {
        return process;
    }

    void setProcess(@Nullable PluginProcess now) {
        process = now;
    }

    /** Whether its process can end without a loss. */
    boolean isIdle() {
        return !keeps && !isCalled;
    }

    long used() {
        return used;
    }

    boolean isClosed() {
        return isClosed;
    }

    void setClosed() {
        isClosed = true;
    }

    void begin(String method) {
        isCalled = true;
        keeps |= BackupApi.begins(method);
    }

    void end(String method) {
        isCalled = false;
        keeps &= !BackupApi.ends(method);
        used = System.nanoTime();
    }

    // ---- calls

    @Override
    protected Value call(String method, Fields params) {
        Method row = BackupApi.API.method(method);
        String what = method + " of storage '" + storage.id() + "'";
        PluginProcess running = providers.begin(this, method, what, BackupApi.isForFresh(method, params));
        running.output().during(what, Host.calling().printing());
        try {
            Value answer = answer(running, row, what, params);
            row.checkResult(answer);
            return answer;
        } catch (ProtocolException e) {
            throw Failures.of(e, what);
        } finally {
            running.output().over();
            providers.end(this, method);
        }
    }

    /** By a thread of its own, because a call that is interrupted has an answer still, which is waited for. */
    private static Value answer(PluginProcess running, Method row, String what, Fields params) {
        CompletableFuture<Value> answer = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("provider-" + running.pid()).start(() -> {
            try {
                answer.complete(running.session().call(row.name(), params, new CallContext(null, row.deadline())));
            } catch (InterruptedException e) {
                answer.completeExceptionally(e);
                Thread.currentThread().interrupt();
            } catch (RemoteCallException | SessionClosedException | TimeoutException | RuntimeException e) {
                answer.completeExceptionally(e);
            }
        });
        try {
            return answer.get();
        } catch (ExecutionException e) {
            throw failure(e.getCause(), running, row, what);
        } catch (InterruptedException e) {
            return interrupted(answer, running, row, what);
        }
    }

    /** As PVE stops a worker: the call dies of the signal, and the calls that clean up find the object as it was. */
    private static Value interrupted(CompletableFuture<Value> answer, PluginProcess running, Method row, String what) {
        ProcessGroup.terminate(running.pid());
        try {
            return answer.get(TO_STOP.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw failure(e.getCause(), running, row, what);
        } catch (TimeoutException | InterruptedException e) {
            ProcessGroup.kill(running.pid());
            throw Failures.of(
                    ErrorCode.CANCELLED,
                    Outcome.UNKNOWN,
                    what,
                    "was interrupted, did not end within " + TO_STOP.toSeconds() + " s, and its process "
                            + running.pid() + " was killed");
        } finally {
            Thread.currentThread().interrupt();
        }
    }

    private static StorageException failure(
            @Nullable Throwable thrown, PluginProcess running, Method row, String what) {
        return switch (thrown) {
            case RemoteCallException remote -> Errors.fromWire(remote.error(), what);
            case SessionClosedException lost -> died(running, what, lost);
            case TimeoutException _ -> {
                ProcessGroup.kill(running.pid());
                yield Failures.of(
                        ErrorCode.DEADLINE_EXCEEDED,
                        Outcome.UNKNOWN,
                        what,
                        "the provider did not answer within " + Failures.seconds(row.deadline()) + "; its process "
                                + running.pid() + " was killed");
            }
            case ProtocolException protocol -> Failures.of(protocol, what);
            case null, default -> Failures.of(ErrorCode.INTERNAL, Outcome.UNKNOWN, what, String.valueOf(thrown));
        };
    }

    private static StorageException died(PluginProcess running, String what, SessionClosedException lost) {
        String why;
        try {
            why = running.obituary(lost);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            why = String.valueOf(lost.getMessage());
        }
        return Failures.of(ErrorCode.SIDECAR_FAILED, Outcome.UNKNOWN, what, "the provider was lost: " + why);
    }

    @Override
    public void close() {
        providers.close(this);
    }
}
