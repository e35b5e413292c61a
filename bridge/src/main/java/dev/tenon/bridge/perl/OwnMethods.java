package dev.tenon.bridge.perl;

import dev.tenon.bridge.descriptor.DescriptorSocket;
import dev.tenon.bridge.session.Session;
import dev.tenon.bridge.storage.CallingPlugin;
import dev.tenon.bridge.storage.Dialect;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.util.function.Function;
import java.util.function.Supplier;

/** A plugin's own methods, which its base class calls while a method of it waits. */
final class OwnMethods extends CallingPlugin {
    private final Session session;
    private final DescriptorSocket descriptors;
    private final Supplier<Dialect> dialect;

    OwnMethods(Session session, DescriptorSocket descriptors, Supplier<Dialect> dialect) {
        this.session = session;
        this.descriptors = descriptors;
        this.dialect = dialect;
    }

    @Override
    protected <T> T offering(int descriptor, Function<String, T> call) {
        return MemberCalls.offering(descriptors, descriptor, call);
    }

    @Override
    protected Dialect dialect() {
        return dialect.get();
    }

    @Override
    protected void claim(String token) {
        throw Failures.of(ErrorCode.NOT_SUPPORTED, Outcome.NOT_STARTED, "claim", "the base class leaves no work");
    }

    @Override
    protected Value call(String method, Fields params) {
        return Crossing.nested(session, method, params, null);
    }
}
