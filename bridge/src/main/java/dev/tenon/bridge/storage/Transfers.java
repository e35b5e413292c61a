package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Claims;
import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.codec.Incoming;
import dev.tenon.bridge.codec.Outgoing;
import dev.tenon.bridge.codec.Part;
import dev.tenon.bridge.codec.Types;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.DescriptorStream;
import dev.tenon.core.stream.ProgressLog;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.proto.Type.Kind;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Nil;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** Exports and imports over a descriptor that the caller sent. */
final class Transfers {
    private Transfers() {}

    static Types addedTo(Types types) {
        return types.with(ExportStream.class, claims -> new Stream(claims, "export", DescriptorExport::new))
                .with(ImportStream.class, claims -> new Stream(claims, "import", DescriptorImport::new));
    }

    /** A stream over a descriptor that came with the call; of one that goes out, whoever calls offers the descriptor. */
    private record Stream(
            String descriptor,
            Optional<String> log,
            String what,
            BiFunction<Descriptor, StreamSettings, DescriptorStream> opening)
            implements Part {
        Stream(Claims claims, String what, BiFunction<Descriptor, StreamSettings, DescriptorStream> opening) {
            this(claims.take(Kind.STREAM), claims.takeIfAny(Kind.CALLBACK), what, opening);
        }

        @Override
        public void write(@Nullable Object plain, Map<String, Value> entries, Outgoing call) {}

        @Override
        public Object read(Fields fields, Incoming call) {
            StreamSettings settings = StreamSettings.USUAL.named("the " + what + " of volume '"
                    + Codec.TEXT.read(fields.get("storeid")) + ":" + Codec.TEXT.read(fields.get("volname")) + "'");
            if (log.map(fields::get).orElse(Nil.NIL) instanceof Value.Int(long function)) {
                ProgressLog progress =
                        new ProgressLog(line -> call.caller().run(function, List.of(Value.ofText(line))));
                call.atEnd(progress::close);
                settings = settings.withProgress(progress);
            }
            DescriptorStream stream =
                    opening.apply(call.caller().descriptor(Codec.TEXT.read(fields.get(descriptor))), settings);
            call.atEnd(stream::close);
            watch(call, stream);
            return stream;
        }
    }

    /** Ends the transfer when its caller is gone. */
    private static void watch(Incoming call, DescriptorStream stream) {
        // What the caller's connection keeps until its end is this and no more.
        AtomicReference<@Nullable DescriptorStream> watched = new AtomicReference<>(stream);
        call.atEnd(() -> watched.set(null));
        call.caller().whenGone(why -> {
            DescriptorStream running = watched.get();
            if (running != null) {
                running.cancel("the caller has gone: " + why);
            }
        });
    }
}
