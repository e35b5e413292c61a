package dev.tenon.core.stream;

import dev.tenon.core.linux.Descriptor;

/** A stream of a volume over a descriptor, which is closed with it. */
public abstract sealed class DescriptorStream implements AutoCloseable permits DescriptorExport, DescriptorImport {
    final Descriptor descriptor;
    final Pace pace;

    DescriptorStream(Descriptor descriptor, StreamSettings settings) {
        this.descriptor = descriptor;
        this.pace = new Pace(settings);
    }

    /** Ends the transfer with {@code CANCELLED}, within a second; for any thread. One that has ended stays as it is. */
    public final void cancel(String why) {
        pace.cancel(why);
    }

    /** How much has been moved by now. */
    public final Transferred transferred() {
        return pace.transferred();
    }

    /** How many bytes the whole stream will have; 0 if that is not known, or not yet. */
    public final long expected() {
        return pace.expected();
    }

    @Override
    public final void close() {
        descriptor.close();
    }
}
