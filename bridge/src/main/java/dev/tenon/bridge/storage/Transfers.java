package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.core.image.CopyProgress;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.ProgressLine;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.proto.Value;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Exports and imports over a descriptor that the caller sent. */
final class Transfers {
    private static final Duration PAUSE = Duration.ofSeconds(3);

    private Transfers() {}

    static Value export(StoragePlugin plugin, Params p, Caller caller) {
        try (Watch watch = new Watch(caller, p);
                DescriptorExport stream =
                        new DescriptorExport(caller.descriptor(p.required("fh")), watch.settings("export", p))) {
            watch.begin(stream::cancel);
            plugin.exportVolume(p.storage(), p.volume(), p.required("format"), p.transfer(), stream);
            return Value.Nil.NIL;
        }
    }

    static Value importing(StoragePlugin plugin, Params p, Caller caller) {
        try (Watch watch = new Watch(caller, p);
                DescriptorImport stream =
                        new DescriptorImport(caller.descriptor(p.required("fh")), watch.settings("import", p))) {
            watch.begin(stream::cancel);
            VolumeId made = plugin.importVolume(
                    p.storage(), p.volume(), p.required("format"), p.transfer(), p.flag("allow_rename"), stream);
            return Value.ofText(made.toString());
        }
    }

    /** Tells the caller how far its transfer has come, and ends the transfer when the caller has gone. */
    private static final class Watch implements CopyProgress, AutoCloseable {
        private final Caller caller;
        private final @Nullable Long log;
        private final AtomicReference<Consumer<String>> cancel = new AtomicReference<>(why -> {});
        private volatile @Nullable Thread teller;
        private volatile long done;
        private volatile long total;

        Watch(Caller caller, Params p) {
            this.caller = caller;
            this.log = p.isGiven("log") ? p.number("log") : null;
        }

        StreamSettings settings(String what, Params p) {
            return StreamSettings.USUAL
                    .named("the " + what + " of volume '" + p.text("storeid") + ":" + p.text("volname") + "'")
                    .withProgress(this);
        }

        void begin(Consumer<String> canceller) {
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

        @Override
        public void close() {
            // What the caller's connection keeps until its end is this and no more.
            cancel.set(why -> {});
            Thread running = teller;
            if (running != null) {
                running.interrupt();
            }
        }
    }
}
