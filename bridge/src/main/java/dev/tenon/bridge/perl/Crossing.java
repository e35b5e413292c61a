package dev.tenon.bridge.perl;

import dev.tenon.bridge.codec.Errors;
import dev.tenon.bridge.session.RemoteCallException;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.session.SessionClosedException;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.core.spi.Host;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Method;
import dev.tenon.proto.MethodTable;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Type;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One call over the connection of a plugin's process, and what it means when that fails. */
final class Crossing {
    private static final Logger LOG = LoggerFactory.getLogger(PerlStoragePlugin.class);
    private static final MethodTable TABLE = StorageApi.API.table();

    private Crossing() {}

    /**
     * Makes a call in a process that is in none.
     *
     * @param what the call in words
     * @param context has a deadline
     * @param answered runs when the process has answered, whatever it says
     * @param stuck runs when it has not; it is of no more use
     */
    static Value into(
            PluginProcess process,
            Method row,
            String what,
            Fields params,
            CallContext context,
            Runnable answered,
            Runnable stuck) {
        process.output().during(what, printingOf(row));
        try {
            Value answer = process.session().call(row.name(), params, context);
            answered.run();
            row.checkResult(answer);
            return answer;
        } catch (RemoteCallException e) {
            answered.run();
            throw Errors.fromWire(e.error(), what);
        } catch (ProtocolException e) {
            throw Failures.of(e, what);
        } catch (SessionClosedException e) {
            throw died(process, what, e);
        } catch (TimeoutException e) {
            stuck.run();
            throw Failures.of(
                    ErrorCode.DEADLINE_EXCEEDED,
                    Outcome.UNKNOWN,
                    what,
                    "the plugin did not answer within "
                            + Failures.seconds(context.remaining().orElseThrow()) + "; its process " + process.pid()
                            + " is being stopped");
        } catch (InterruptedException e) {
            stuck.run();
            Thread.currentThread().interrupt();
            throw Failures.of(
                    ErrorCode.CANCELLED,
                    Outcome.UNKNOWN,
                    what,
                    "was cancelled; the plugin's process " + process.pid() + " is being stopped");
        } finally {
            process.output().over();
        }
    }

    /** Where what is printed meanwhile goes; beside a stream of bytes only to standard error, which holds none. */
    private static Host.Printing printingOf(Method row) {
        Host.Printing printing = Host.calling().printing();
        boolean isTransfer =
                row.params().stream().anyMatch(param -> param.type().kind() == Type.Kind.STREAM);
        return isTransfer ? (stream, line) -> printing.line(Host.Stream.ERROR, line) : printing;
    }

    private static StorageException died(PluginProcess dead, String what, SessionClosedException lost) {
        try {
            String obituary = dead.obituary(lost);
            LOG.error(
                    "event=sidecar-died plugin={} call=\"{}\" {}",
                    dead.loaded().description().packageName(),
                    what,
                    obituary);
            return Failures.of(
                    ErrorCode.SIDECAR_FAILED,
                    Outcome.UNKNOWN,
                    what,
                    "the plugin was lost: " + obituary + "; whether the call took effect is not known");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Failures.of(
                    ErrorCode.SIDECAR_FAILED, Outcome.UNKNOWN, what, "the plugin was lost: " + lost.getMessage());
        }
    }

    /** The call in words, for errors and the log. */
    static String what(String method, Fields params) {
        StringBuilder what = new StringBuilder(method);
        if (params.get("storeid") instanceof Value.Text(String storage)) {
            what.append(" of storage '").append(storage).append('\'');
        }
        if (params.get("volname") instanceof Value.Text(String volume)) {
            what.append(", volume '").append(volume).append('\'');
        }
        return what.toString();
    }

    /**
     * Makes a call in a process that is in a call already, and serves this one meanwhile.
     *
     * @param limit for how long, null for as long as the method may take
     */
    static Value nested(Session session, String method, Fields params, @Nullable Duration limit) {
        Method row = TABLE.method(method);
        String what = what(method, params);
        try {
            Value answer = session.call(method, params, limit == null ? row.deadline() : limit);
            row.checkResult(answer);
            return answer;
        } catch (RemoteCallException e) {
            throw Errors.fromWire(e.error(), what);
        } catch (ProtocolException e) {
            throw Failures.of(e, what);
        } catch (SessionClosedException e) {
            throw Failures.of(ErrorCode.SIDECAR_FAILED, Outcome.UNKNOWN, what, String.valueOf(e.getMessage()));
        } catch (TimeoutException e) {
            throw Failures.of(ErrorCode.DEADLINE_EXCEEDED, Outcome.UNKNOWN, what, "no answer came in time");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Failures.of(ErrorCode.CANCELLED, Outcome.UNKNOWN, what, "was interrupted");
        }
    }
}
