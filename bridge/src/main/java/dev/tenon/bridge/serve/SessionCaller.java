package dev.tenon.bridge.serve;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.bridge.codec.Functions;
import dev.tenon.bridge.codec.Lasting;
import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.session.IncomingCall;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Host;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.Value;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The far side of the connection that a call came over, until the call is over. */
final class SessionCaller implements Caller, AutoCloseable {
    /** As long as the longest call: the caller waits for its own answer meanwhile, which has a limit. */
    private static final Duration LIMIT = Duration.ofDays(7);

    /** A descriptor is sent before the call that names it. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** What a peer says of a host whose base class has that method. */
    private static final Value ADAPTS_NAMES = new Value.Text("volname_for_format");

    private final IncomingCall call;
    private final Leftovers leftovers;
    private final DescriptorSocket descriptors;
    private final ServedObjects objects;
    private final String storage;
    private final List<Processes.Watch> watches = new ArrayList<>();

    SessionCaller(
            IncomingCall call,
            Leftovers leftovers,
            DescriptorSocket descriptors,
            ServedObjects objects,
            String storage) {
        this.call = call;
        this.leftovers = leftovers;
        this.descriptors = descriptors;
        this.objects = objects;
        this.storage = storage;
    }

    /** The peer. One that does not say what its base class can is taken for one of the newest level. */
    Host host() {
        Value abilities = call.session().opened().join().get("abilities");
        boolean adaptsNames = !(abilities instanceof Value.Seq(List<Value> known)) || known.contains(ADAPTS_NAMES);
        return new Host(
                adaptsNames,
                sentence -> call.session().tell("warning", Value.fields("text", new Value.Text(sentence))),
                this::print,
                new Host.Peer(call.peer().pid(), call.session().number()));
    }

    /** A caller that reads nothing loses lines instead of filling the memory; they are in the log. */
    private void print(Host.Stream stream, String line) {
        if (call.session().isRead()) {
            call.session()
                    .tell(
                            "printed",
                            Value.fields("stream", new Value.Text(stream.word()), "text", new Value.Text(line)));
        }
    }

    @Override
    public Value run(long function, List<Value> args) {
        String what = call.method() + ": the function that came with it";
        Value.Fields params = Value.fields("id", new Value.Int(function), "args", new Value.Seq(args));
        return FarWork.done(call.session(), Functions.METHOD, params, new CallContext(null, LIMIT), what);
    }

    @Override
    public String keep(Cleanup cleanup) {
        return leftovers.keep(cleanup);
    }

    @Override
    public Descriptor descriptor(String token) {
        return descriptors.claim(token, PATIENCE);
    }

    @Override
    public void whenGone(Consumer<String> action) {
        var _ = call.session().closed().thenAccept(action);
    }

    @Override
    public String hold(Lasting object) {
        return objects.hold(call, object, storage);
    }

    @Override
    public void whenEnded(long process, Runnable action) {
        watches.add(objects.watch(process, action));
    }

    @Override
    public void close() {
        watches.forEach(Processes.Watch::close);
    }
}
