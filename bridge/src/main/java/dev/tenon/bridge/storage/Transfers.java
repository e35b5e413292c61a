package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.bridge.codec.Claims;
import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.codec.Incoming;
import dev.tenon.bridge.codec.Outgoing;
import dev.tenon.bridge.codec.Part;
import dev.tenon.bridge.codec.Types;
import dev.tenon.core.image.CopyProgress;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.DescriptorStream;
import dev.tenon.core.stream.ProgressLine;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.proto.Type.Kind;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Exports and imports over a descriptor that the caller sent. */
final class Transfers {
    private static final Duration PAUSE = Duration.ofSeconds(3);

    private Transfers() {}

    static Types addedTo(Types types) {
        return types.with(
                        ExportStream.class,
                        claims -> new Stream(claims, "export", (descriptor, settings, watch) -> {
                            DescriptorExport stream = new DescriptorExport(descriptor, settings);
                            watch.begin(stream, stream::cancel);
                            return stream;
                        }))
                .with(
                        ImportStream.class,
                        claims -> new Stream(claims, "import", (descriptor, settings, watch) -> {
                            DescriptorImport stream = new DescriptorImport(descriptor, settings);
                            watch.begin(stream, stream::cancel);
                            return stream;
                        }));
    }

    /** A stream over a descriptor that came with the call; of one that goes out, whoever calls offers the descriptor. */
    private record Stream(String descriptor, Optional<String> log, String what, Opening opening) implements Part {
        @FunctionalInterface
        interface Opening {
            Object open(Descriptor descriptor, StreamSettings settings, Watch watch);
        }

        Stream(Claims claims, String what, Opening opening) {
            this(claims.take(Kind.STREAM), claims.takeIfAny(Kind.CALLBACK), what, opening);
        }

        @Override
        public void write(@Nullable Object plain, Map<String, Value> entries, Outgoing call) {}

        @Override
        public Object read(Fields fields, Incoming call) {
            Caller caller = call.caller();
            Long function =
                    log.map(fields::get).orElse(Value.Nil.NIL) instanceof Value.Int(long number) ? (Long) number : null;
            Watch watch = new Watch(call, function);
            return opening.open(
                    caller.descriptor(Codec.TEXT.read(fields.get(descriptor))),
                    StreamSettings.USUAL
                            .named("the " + what + " of volume '" + Codec.TEXT.read(fields.get("storeid")) + ":"
                                    + Codec.TEXT.read(fields.get("volname")) + "'")
                            .withProgress(watch),
                    watch);
        }
    }

    /** Tells the caller how far its transfer has come, and ends the transfer when the caller has gone. */
    private static final class Watch implements CopyProgress {
        private final Incoming call;
        private final Caller caller;
        private final @Nullable Long log;
        private final AtomicReference<Consumer<String>> cancel = new AtomicReference<>(why -> {});
        private volatile @Nullable Thread teller;
        private volatile long done;
        private volatile long total;

        Watch(Incoming call, @Nullable Long log) {
            this.call = call;
            this.caller = call.caller();
            this.log = log;
        }

        void begin(DescriptorStream stream, Consumer<String> canceller) {
            call.atEnd(this::end);
            call.atEnd(stream::close);
            cancel.set(canceller);
            caller.whenGone(why -> cancel.get().accept("the caller has gone: " + why));
            if (log != null) {
                long function = log;
                teller = Thread.ofPlatform().daemon().name("progress").start(() -> tell(function));
            }
        }

        /** By a thread of its own: the transfer does not wait for a caller that is slow to print. */
        private void tell(long function) {
            ProgressLine line = new ProgressLine(System.nanoTime());
            try {
                while (true) {
                    Thread.sleep(PAUSE);
                    line.next(done, total, System.nanoTime())
                            .ifPresent(words -> caller.run(function, List.of(Value.ofText(words))));
                }
            } catch (InterruptedException | StorageException e) {
                // The transfer is over, or nobody listens.
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void copied(long bytes, long all) {
            done = bytes;
            total = all;
        }

        private void end() {
            // What the caller's connection keeps until its end is this and no more.
            cancel.set(why -> {});
            Thread running = teller;
            if (running != null) {
                running.interrupt();
            }
        }
    }
}
