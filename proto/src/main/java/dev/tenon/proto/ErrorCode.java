package dev.tenon.proto;

import java.util.Arrays;
import java.util.Optional;

/**
 * Every error that crosses the wire. The range of a code says who is to blame; {@code docs/ERRORS.md} and the table that
 * Perl reads are made from these rows.
 */
public enum ErrorCode {
    // caller
    BAD_PARAMETER(
            0x0001_0001,
            "A parameter is missing, unknown, of the wrong type or out of range",
            "Correct the call; the message names the parameter and its value"),
    UNKNOWN_METHOD(
            0x0001_0002,
            "The method is not in the table of the side that was called",
            "Compare the versions of both sides; the newer one knows methods that the older one does not"),
    UNKNOWN_PLUGIN(
            0x0001_0003,
            "The daemon serves no plugin of this name",
            "Choose one of the plugins that the message lists, or start the daemon with the plugin"),
    INVALID_NAME(0x0001_0004, "A volume or snapshot name is not one of the plugin's", "Correct the name"),
    NOT_FOUND(0x0001_0005, "The volume does not exist", "List the storage and choose an existing volume"),
    ALREADY_EXISTS(0x0001_0006, "A volume of this name exists", "Choose another name, or remove the volume first"),
    NOT_SUPPORTED(
            0x0001_0007,
            "The storage cannot do this, for this format or at all",
            "Use another way; asking again does not help"),
    IN_USE(
            0x0001_0008,
            "The volume is protected or something depends on it",
            "Remove what depends on it, or its protection, first"),
    BAD_CONFIG(
            0x0001_0009,
            "The configuration of the storage cannot work",
            "Correct the section in storage.cfg that the message names"),
    PERMISSION_DENIED(
            0x0001_000A,
            "The operating system denies the access",
            "Correct owner or mode of the file that the message names"),
    OBJECT_GONE(
            0x0001_000B,
            "The object whose method was called is not there any more: the process that had it has ended",
            "Make a new one; what the old one had begun has failed"),

    // backend
    PLUGIN_DIED(
            0x0002_0001,
            "The Perl plugin died; its text is the message, unchanged",
            "Read the text; it is the plugin's own error"),
    PLUGIN_REJECTED(
            0x0002_0002,
            "The file is not a plugin that can be hosted: it does not compile, is not a subclass of the base class, or has no usable api()",
            "Mend the plugin file; the message holds Perl's own complaint"),
    BAD_RESULT(
            0x0002_0003,
            "The plugin answered with something that is not of the method's shape",
            "Report it to the plugin's author; look at the storage before repeating a call that changes it"),
    STORAGE_UNAVAILABLE(
            0x0002_0004,
            "The storage cannot be reached or used now",
            "Mend what the message names (mount, network, directory) and repeat the call"),
    COMMAND_FAILED(0x0002_0005, "A command that does the work failed", "Read the command's own error in the message"),
    UNSAFE_IMAGE(
            0x0002_0006,
            "An image refers to files outside its storage",
            "Do not use the image; remove it, or rebase it by hand after checking where it comes from"),
    INTERNAL(0x0002_0007, "A defect in Tenon", "Report it with the daemon's log of that moment"),

    // resources
    NO_SPACE(0x0003_0001, "The storage is full, or has no free name left", "Make room and repeat the call"),
    TOO_MANY_CALLS(
            0x0003_0002,
            "Calls are nested too deep, or too many are waiting on one connection",
            "Wait for answers before calling again; look for a plugin that calls itself without end"),
    STORAGE_BUSY(
            0x0003_0003,
            "As many calls as may be are inside the storage, and they do not come back",
            "Look at what the storage waits for (mount, network); call again when it answers"),
    PLUGIN_BUSY(
            0x0003_0004,
            "All processes of a plugin are busy, and none became free in time",
            "Repeat the call; the message says what they are doing, 'tenon serve --members' allows more of them"),

    // protocol and transport
    MALFORMED_FRAME(
            0x0004_0001,
            "Bytes that are not a frame of this protocol",
            "Report it; one side is defective or no Tenon at all"),
    FRAME_TOO_LONG(0x0004_0002, "A frame is longer than the limit", "Ask for less at once, for instance fewer volumes"),
    TOO_DEEP(0x0004_0003, "Values are nested deeper than the limit", "Report it; no method of the table nests so deep"),
    TOO_MANY_ELEMENTS(
            0x0004_0004,
            "A list or map claims more elements than the limit or than its frame can hold",
            "Ask for less at once"),
    BAD_TEXT(0x0004_0005, "Text is not valid UTF-8", "Rename the volume or correct the text so that it is valid UTF-8"),
    UNSUPPORTED_VERSION(
            0x0004_0006, "The two sides have no protocol version in common", "Install the same release on both sides"),
    UNEXPECTED_FRAME(
            0x0004_0007,
            "A frame that is not allowed at this moment, such as a second hello",
            "Report it; one side is defective"),
    PEER_REFUSED(
            0x0004_0008, "The peer's user may not use this socket", "Run the caller as the daemon's user or as root"),
    CONNECT_FAILED(0x0004_0009, "Nobody answers at the socket", "Start the daemon, or correct the socket path"),
    CONNECTION_LOST(
            0x0004_000A,
            "The connection ended before the answer came",
            "Look at the storage before repeating a call that changes it"),
    DEADLINE_EXCEEDED(
            0x0004_000B,
            "The answer did not come in time",
            "Look at the storage before repeating a call that changes it"),
    CANCELLED(0x0004_000C, "The caller cancelled the call", "None; look at the storage if the call changes it"),
    SIDECAR_FAILED(
            0x0004_000D,
            "The process that hosts a Perl plugin did not start, or ended during a call",
            "Read the log lines in the message; the next call starts a new process"),
    STREAM_BROKEN(
            0x0004_000E,
            "The other end of a stream closed it too early, went on too long, or stopped",
            "Read what the other end says; the message tells how many bytes had gone");

    /** Who is to blame for an error. */
    public enum Blame {
        CALLER(0x0001_0000),
        BACKEND(0x0002_0000),
        RESOURCES(0x0003_0000),
        PROTOCOL(0x0004_0000);

        private final int range;

        Blame(int range) {
            this.range = range;
        }
    }

    private final int code;
    private final String meaning;
    private final String remedy;

    ErrorCode(int code, String meaning, String remedy) {
        this.code = code;
        this.meaning = meaning;
        this.remedy = remedy;
    }

    /** The number on the wire; never reused for another meaning. */
    public int code() {
        return code;
    }

    public String meaning() {
        return meaning;
    }

    /** What the caller does about it. */
    public String remedy() {
        return remedy;
    }

    public Blame blame() {
        return Arrays.stream(Blame.values())
                .filter(blame -> (code & 0xFFFF_0000) == blame.range)
                .findFirst()
                .orElseThrow();
    }

    /** The row with this number; a number that a newer side made up is absent and to be treated as {@link #INTERNAL}. */
    public static Optional<ErrorCode> ofCode(long code) {
        return Arrays.stream(values()).filter(row -> row.code == code).findFirst();
    }
}
