package dev.tenon.core.stream;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.RateLimit;
import dev.tenon.core.image.SparseCopy;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StreamSource;
import dev.tenon.core.spi.StreamTarget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A stream of a volume from one storage to another of this process. What leaves as a file and comes as a file is copied by
 * the kernel at once, or shares its blocks; everything else goes through a pipe.
 */
public final class LocalStream {
    private final StreamSettings settings;
    /** What leaves, if it is a file that can be taken as it is. */
    private final CompletableFuture<Optional<StreamSource.Content>> offer = new CompletableFuture<>();
    /** Whether what was offered has been taken; otherwise it goes through the pipe. */
    private final CompletableFuture<Boolean> taken = new CompletableFuture<>();

    private volatile @Nullable RuntimeException exportFailure;

    public LocalStream(StreamSettings settings) {
        this.settings = settings;
    }

    /**
     * Lets both ends run at the same time; used once. An interrupt of the thread ends both.
     *
     * @param exporting writes the stream, on a thread of its own
     * @param importing reads it. Its stream fails with what the export fails with, at the latest when all has come
     * @return what the import returns
     * @throws StorageException what the end throws that failed first
     */
    public <T> T run(Consumer<ExportStream> exporting, Function<ImportStream, T> importing) {
        StreamSettings outgoing = StreamSettings.USUAL.named(settings.what()).withPatience(settings.patience());
        try (Descriptor.Pipe pipe = Descriptor.pipe();
                DescriptorExport export = new DescriptorExport(pipe.write(), outgoing)) {
            DescriptorImport incoming = new DescriptorImport(pipe.read(), settings);
            Thread exporter = Thread.ofPlatform().daemon().name("export").start(() -> export(exporting, export));
            try {
                return importing.apply(new Incoming(incoming, exporter));
            } finally {
                // A writer has no reader any more.
                taken.complete(false);
                incoming.close();
                export.cancel("the import has ended");
                end(exporter);
            }
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "unable to make a pipe for a stream");
        }
    }

    private void export(Consumer<ExportStream> exporting, DescriptorExport export) {
        try {
            exporting.accept(new Outgoing(export));
        } catch (RuntimeException e) {
            exportFailure = e;
        } catch (Error e) {
            // For instance a lack of memory. Without it, what has come would pass for the whole.
            exportFailure = new IllegalStateException("the export ended with " + e, e);
            throw e;
        } finally {
            offer.complete(Optional.empty());
            export.close();
        }
    }

    private static void end(Thread exporter) {
        boolean wasInterrupted = false;
        if (exporter.isAlive()) {
            exporter.interrupt();
        }
        while (exporter.isAlive()) {
            try {
                exporter.join();
            } catch (InterruptedException e) {
                wasInterrupted = true;
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private <T> T await(CompletableFuture<T> future) {
        try {
            return future.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException(
                    StorageError.CANCELLED,
                    Outcome.NOT_STARTED,
                    settings.what() + " was cancelled after 0 bytes: it was interrupted",
                    e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private final class Outgoing implements ExportStream {
        private final ExportStream pipe;

        Outgoing(ExportStream pipe) {
            this.pipe = pipe;
        }

        @Override
        public void send(StreamSource source) {
            boolean isFile = source instanceof StreamSource.Content;
            offer.complete(isFile ? Optional.of((StreamSource.Content) source) : Optional.empty());
            if (!isFile || !await(taken)) {
                pipe.send(source);
            }
        }

        @Override
        public void handOver(IntConsumer writer) {
            offer.complete(Optional.empty());
            pipe.handOver(writer);
        }
    }

    private final class Incoming implements ImportStream {
        private final DescriptorImport pipe;
        private final Thread exporter;

        Incoming(DescriptorImport pipe, Thread exporter) {
            this.pipe = pipe;
            this.exporter = exporter;
        }

        @Override
        public ByteSize size() {
            Optional<StreamSource.Content> offered = await(offer);
            return offered.isPresent() ? offered.get().size() : orExportFailure(pipe::size);
        }

        @Override
        public void receive(StreamTarget target, @Nullable ByteSize length) {
            Optional<StreamSource.Content> offered = await(offer);
            if (offered.isPresent() && copy(offered.get().file(), target, length)) {
                taken.complete(true);
                refuseFailedExport();
                return;
            }
            orExportFailure(() -> {
                if (offered.isPresent()) {
                    taken.complete(false);
                    pipe.size();
                }
                pipe.receive(target, length);
                return true;
            });
            refuseFailedExport();
        }

        private boolean copy(Path file, StreamTarget target, @Nullable ByteSize length) {
            RateLimit limit = new RateLimit(settings.bytesPerSecond());
            Path copy;
            switch (target) {
                case StreamTarget.NewFile(Path made) -> {
                    copy = made;
                    SparseCopy.copy(file, made, limit, settings.progress());
                }
                case StreamTarget.Present(Path made, boolean isZero)
                when isZero && isEmptyFile(made) -> {
                    copy = made;
                    SparseCopy.fill(file, made, limit, settings.progress());
                }
                default -> {
                    return false;
                }
            }
            refuseOtherLength(file, copy, length);
            return true;
        }

        private void refuseOtherLength(Path file, Path copy, @Nullable ByteSize length) {
            try {
                long copied = FileStatus.of(copy).size();
                if (length != null && (copied > length.bytes() || Ending.isTooShort(copied, length.bytes()))) {
                    throw new StorageException(
                            StorageError.STREAM_BROKEN,
                            Outcome.FAILED_CLEAN,
                            settings.what() + " broke: '" + file + "' has " + copied + " bytes, but should have "
                                    + length.bytes());
                }
            } catch (IOException e) {
                throw Failures.of(e, Outcome.UNKNOWN, settings.what() + " failed");
            }
        }

        private static boolean isEmptyFile(Path file) {
            try {
                FileStatus status = FileStatus.of(file);
                return status.isRegularFile() && status.size() == 0;
            } catch (IOException e) {
                return false; // and let who opens it tell
            }
        }

        @Override
        public <T> T handOver(String format, IntFunction<T> reader) {
            await(offer);
            taken.complete(false);
            T result = orExportFailure(() -> pipe.handOver(format, reader));
            refuseFailedExport();
            return result;
        }

        /** A stream that ended too early did so because of what the other end failed with. */
        private <T> T orExportFailure(Supplier<T> reading) {
            try {
                return reading.get();
            } catch (StorageException e) {
                RuntimeException first = exportFailure;
                if (first == null) {
                    throw e;
                }
                first.addSuppressed(e);
                throw first;
            }
        }

        /** What has arrived is complete only if the sender says so, too. */
        private void refuseFailedExport() {
            pipe.close();
            try {
                exporter.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new StorageException(
                        StorageError.CANCELLED,
                        Outcome.FAILED_CLEAN,
                        settings.what() + " was interrupted at its end",
                        e);
            }
            RuntimeException failure = exportFailure;
            // A sender that would have written more than was wanted has no reader any more.
            if (failure != null
                    && !(failure instanceof StorageException broken && broken.error() == StorageError.STREAM_BROKEN)) {
                throw failure;
            }
        }
    }
}
