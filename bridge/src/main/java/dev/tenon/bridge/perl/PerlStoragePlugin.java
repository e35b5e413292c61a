package dev.tenon.bridge.perl;

import dev.tenon.bridge.codec.Errors;
import dev.tenon.bridge.codec.Functions;
import dev.tenon.bridge.codec.RemoteStorageException;
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
import dev.tenon.core.decorator.Call;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Host;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.WholeImport;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Method;
import dev.tenon.proto.MethodTable;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Type;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An existing Perl plugin, unmodified, as a storage plugin. It runs in processes of its own, one call at a time in each, so
 * that calls do not wait for each other. A call that takes longer than its method may, from when it begins, fails, and its
 * process with it. A process that ends takes only its own call with it.
 *
 * <p>Errors are {@link dev.tenon.bridge.codec.RemoteStorageException}: {@code PLUGIN_DIED} with the plugin's own text,
 * {@code SIDECAR_FAILED} with exit status or signal and the last lines it printed, {@code DEADLINE_EXCEEDED},
 * {@code PLUGIN_BUSY} if no process was free in time; all tell the outcome. After {@code UNKNOWN} look at the storage
 * before repeating a call that changes it.
 */
public final class PerlStoragePlugin extends CallingPlugin implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PerlStoragePlugin.class);
    private static final MethodTable TABLE = StorageApi.API.table();
    private static final Duration LONGEST_WORK = Duration.ofDays(7);

    private final SidecarSettings settings;
    private final DescriptorSocket descriptors;
    private final Outputs outputs;
    private final Ancestry ancestry;
    private final Family family;
    private final Creations creations = new Creations();
    private final LayeredPlugin layered = new LayeredPlugin(this);

    /** Bound while a member, which waits in a call, has this side do something; calls made meanwhile go into it. */
    private final ScopedValue<Session> inside = ScopedValue.newInstance();

    /** Where work is that was left for later, by its token. */
    private final Map<String, Member> left = new ConcurrentHashMap<>();

    private PerlStoragePlugin(UnixSockets sockets, SidecarSettings settings) {
        this.settings = settings;
        String name = String.valueOf(settings.plugin().getFileName());
        DescriptorSocket socket = null;
        Outputs read = null;
        Ancestry loaded = null;
        try {
            socket = Parent.descriptorsIn(settings.runtime(), this::isSidecar);
            read = new Outputs(name);
            this.descriptors = socket;
            this.outputs = read;
            loaded = new Ancestry(new Parent.Surroundings(sockets, settings, this::nested, socket, read));
            this.ancestry = loaded;
            this.family = new Family(ancestry, settings);
            family.giveBack(family.take(new Family.Want("start", false, null, null, null), settings.startLimit()));
        } catch (IOException e) {
            end(loaded, socket, read);
            throw StorageException.refused(StorageError.SIDECAR_FAILED, "plugin " + name + ": " + e.getMessage());
        } catch (RuntimeException e) {
            end(loaded, socket, read);
            throw e;
        }
    }

    private static void end(@Nullable Ancestry ancestry, @Nullable DescriptorSocket socket, @Nullable Outputs outputs) {
        if (ancestry != null) {
            ancestry.close();
        }
        if (socket != null) {
            socket.close();
        }
        if (outputs != null) {
            outputs.close();
        }
    }

    private boolean isSidecar(long pid) {
        return ancestry.includes(pid) || family.includes(pid);
    }

    /**
     * Loads the plugin.
     *
     * @throws StorageException {@code PLUGIN_REJECTED} if the file is no plugin that can be hosted, with Perl's own
     *     complaint; {@code SIDECAR_FAILED} if the process does not start
     */
    public static PerlStoragePlugin start(UnixSockets sockets, SidecarSettings settings) {
        return new PerlStoragePlugin(sockets, settings);
    }

    /** What the plugin is. */
    public PluginDescription description() {
        return ancestry.description();
    }

    /** The process that made, or makes, the newest call; absent if there is none. */
    public OptionalLong pid() {
        return family.occupations().stream().mapToLong(Occupation::pid).reduce((older, newer) -> newer);
    }

    @Override
    public String type() {
        return description().type();
    }

    @Override
    public boolean isShared() {
        return description().isShared();
    }

    @Override
    protected Dialect dialect() {
        return description().dialect();
    }

    /** What the plugin calls while it runs: functions that came with its call, and PVE's base class, which is in Java. */
    private CallHandler nested(Session session) {
        LayeredPlugin plugin = new LayeredPlugin(new OwnMethods(session, descriptors, this::dialect));
        ServedPlugins base = ServedPlugins.ofStorages(Map.of("base", plugin.base()));
        return call -> call.method().equals(Functions.METHOD)
                ? ScopedValue.where(inside, session).call(() -> functions.run(call.params()))
                : base.handle(call, descriptors);
    }

    @Override
    protected <T> T offering(int descriptor, Function<String, T> call) {
        return offering(descriptors, descriptor, call);
    }

    static <T> T offering(DescriptorSocket descriptors, int descriptor, Function<String, T> call) {
        try (DescriptorSocket.Offer offer = descriptors.offer(descriptor)) {
            return call.apply(offer.token());
        }
    }

    /** What is inherited from the base class in Java needs no way through Perl. */
    private boolean isAnsweredHere(String operation) {
        return description().pve().equals("compat") && !hasOwn(operation);
    }

    /** Calls under the storage's lock stay one call, so that they are kept apart from others as a whole. */
    @Override
    protected <T extends @Nullable Object> T make(Call<T> call) {
        return isAnsweredHere(call.operation()) && rowOf(call.operation()).lock() == null
                ? inherited(call)
                : super.make(call);
    }

    /** Its errors name the call, as those of calls that cross do. */
    private <T extends @Nullable Object> T inherited(Call<T> call) {
        try {
            return call.on(layered.base());
        } catch (RemoteStorageException e) {
            throw e;
        } catch (StorageException e) {
            String method = rowOf(call.operation()).name();
            StringBuilder what = new StringBuilder(method);
            if (call.storage() != null) {
                what.append(" of storage '").append(call.storage()).append('\'');
            }
            call.argument(VolumeName.class)
                    .ifPresent(
                            volume -> what.append(", volume '").append(volume).append('\''));
            throw Errors.fromWire(Errors.toWire(e, "host", method), what.toString());
        }
    }

    @Override
    public void exportVolume(
            Storage storage, VolumeName volume, String format, Transfer transfer, ExportStream stream) {
        if (isAnsweredHere("exportVolume")) {
            layered.base().exportVolume(storage, volume, format, transfer, stream);
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
        if (isAnsweredHere("importVolume")) {
            return layered.base().importVolume(storage, volume, format, transfer, allowRename, stream);
        }
        try (Creations.Import importing = creations.beginImport(new VolumeId(storage.id(), volume))) {
            return Creations.whole(() -> new WholeImport(this, storage, volume, allowRename)
                    .run(
                            wasFree -> importing.alone(() -> importVolume(
                                    storage,
                                    volume,
                                    format,
                                    transfer,
                                    allowRename,
                                    wasFree && !importing.isShared(),
                                    stream)),
                            Runnable::run));
        }
    }

    /** Not in line with the calls, since it may last for hours; the member does it in a process of its own. */
    @Override
    protected void claim(String token) {
        String what = "the work that free_image left";
        Member member = left.remove(token);
        if (member == null || !member.process().isAlive()) {
            throw Failures.of(
                    ErrorCode.NOT_FOUND,
                    Outcome.NOT_STARTED,
                    what,
                    "the work '" + token
                            + "' is not left: it was claimed before, or the process that kept it has ended;"
                            + " look at the storage for what is left");
        }
        try {
            member.process().session().call("claim", Value.fields("token", new Value.Text(token)), LONGEST_WORK);
        } catch (RemoteCallException e) {
            throw Errors.fromWire(e.error(), what);
        } catch (SessionClosedException | TimeoutException e) {
            throw Failures.of(
                    ErrorCode.SIDECAR_FAILED, Outcome.UNKNOWN, what, "the plugin was lost: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Failures.of(ErrorCode.CANCELLED, Outcome.UNKNOWN, what, "was cancelled");
        } finally {
            family.keeps(member, -1);
        }
    }

    @Override
    protected Value call(String method, Fields params) {
        if (inside.isBound()) {
            return callInside(inside.get(), method, params);
        }
        ancestry.lookAtFile(family::renew);
        Method row = TABLE.method(method);
        String what = what(method, params);
        String storage = text(params, "storeid");
        return storage == null
                ? callInMember(row, what, null, params)
                : creations.during(row, storage, what, () -> callInMember(row, what, storage, params));
    }

    private Value callInMember(Method row, String what, @Nullable String storage, Fields params) {
        String operation = operationOf(row, params);
        Host.Peer peer = Host.calling().process();
        String caller = peer == null ? null : peer.pid() + "-" + peer.connection();
        Duration limit = limitOf(row);
        Member member =
                family.take(new Family.Want(what, row.isLong(), storage, caller, operation), patience(row, limit));
        try {
            Family.Names names = family.names(member, caller, operation);
            Value answer = callIn(
                    member, row, what, withCache(row, params, names), new CallContext(null, limit, names.caller()));
            noteWhatIsLeft(member, row, answer);
            return answer;
        } finally {
            family.giveBack(member);
        }
    }

    private void noteWhatIsLeft(Member member, Method row, Value answer) {
        if (row.result() instanceof Method.Result.Single(Type type)
                && type.kind() == Type.Kind.CLEANUP
                && answer instanceof Value.Text(String token)) {
            family.keeps(member, 1);
            left.values().removeIf(other -> !other.process().isAlive());
            left.put(token, member);
        }
    }

    private static @Nullable String operationOf(Method row, Fields params) {
        return row.params().stream()
                .filter(param -> param.type().kind() == Type.Kind.CACHE)
                .map(param -> text(params, param.name()))
                .findFirst()
                .orElse(null);
    }

    private static Fields withCache(Method row, Fields params, Family.Names names) {
        String operation = names.operation();
        if (operation == null) {
            return params;
        }
        Map<String, Value> entries = new LinkedHashMap<>(params.entries());
        row.params().stream()
                .filter(param -> param.type().kind() == Type.Kind.CACHE)
                .forEach(param -> entries.put(param.name(), new Value.Text(operation)));
        return new Fields(entries);
    }

    private Duration limitOf(Method row) {
        return row.deadline().compareTo(settings.callLimit()) < 0 ? row.deadline() : settings.callLimit();
    }

    /** What lasts waits for what lasts; a short call would rather fail. */
    private Duration patience(Method row, Duration limit) {
        return row.isLong() || limit.compareTo(settings.waitLimit()) < 0 ? limit : settings.waitLimit();
    }

    private Value callIn(Member member, Method row, String what, Fields params, CallContext context) {
        PluginProcess process = member.process();
        process.output().during(what);
        try {
            Value answer = process.session().call(row.name(), params, context);
            ancestry.answered();
            row.checkResult(answer);
            return answer;
        } catch (RemoteCallException e) {
            ancestry.answered();
            throw Errors.fromWire(e.error(), what);
        } catch (ProtocolException e) {
            throw Failures.of(e, what);
        } catch (SessionClosedException e) {
            throw died(process, what, e);
        } catch (TimeoutException e) {
            family.endStuck(member);
            throw Failures.of(
                    ErrorCode.DEADLINE_EXCEEDED,
                    Outcome.UNKNOWN,
                    what,
                    "the plugin did not answer within " + Failures.seconds(limitOf(row)) + "; its process "
                            + process.pid() + " is being stopped");
        } catch (InterruptedException e) {
            family.endStuck(member);
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

    private StorageException died(PluginProcess dead, String what, SessionClosedException lost) {
        try {
            String obituary = dead.obituary(lost);
            LOG.error(
                    "event=sidecar-died plugin={} call=\"{}\" {}", description().packageName(), what, obituary);
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

    private static @Nullable String text(Fields params, String name) {
        return params.get(name) instanceof Value.Text(String text) ? text : null;
    }

    // ---- calls into a call

    /**
     * The plugin's lock, for instance, is held by one process, in a call that lasts as long as the work: the work's calls
     * go into it.
     */
    private Value callInside(Session session, String method, Fields params) {
        Member member = family.memberOf(session).orElse(null);
        Method row = TABLE.method(method);
        Fields placed =
                member == null ? params : withCache(row, params, family.names(member, null, operationOf(row, params)));
        try {
            Value answer = callInCall(session, method, placed, limitOf(row));
            if (member != null) {
                noteWhatIsLeft(member, row, answer);
            }
            return answer;
        } catch (StorageException e) {
            if (member != null && e.error() == StorageError.DEADLINE_EXCEEDED) {
                // The call around it would wait for the plugin as long as a lock may be held.
                family.endStuck(member);
            }
            throw e;
        }
    }

    /** A call into a process that is in a call already, and serves this one meanwhile. */
    static Value callInCall(Session session, String method, Fields params, @Nullable Duration limit) {
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

    // ---- looking and ending

    /** What each process of the plugin does, the newest call at the end. */
    public List<Occupation> members() {
        return family.occupations();
    }

    /** Lets the plugin log out of its storage and ends its processes. A call that is stuck loses its process first. */
    @Override
    public void close() {
        family.close();
        descriptors.close();
        outputs.close();
    }
}
