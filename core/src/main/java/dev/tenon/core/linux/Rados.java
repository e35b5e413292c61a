package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A connection to a Ceph cluster by librados, if that is installed. Its calls wait for the cluster, as long as the options
 * say; many threads may make them at once. A failure is an exception with the error's text.
 */
public final class Rados implements AutoCloseable {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final MemoryLayout POINTER = ValueLayout.ADDRESS;

    /** As many as the library has under way without waiting for anything else. */
    private static final int AT_ONCE = 256;

    /** All of the library, whose symbols are looked up when it is first used. */
    private static final class Library {
        static final SymbolLookup SYMBOLS = load();
        static final MethodHandle CREATE = function("rados_create", POINTER, POINTER);
        static final MethodHandle READ_FILE = function("rados_conf_read_file", POINTER, POINTER);
        static final MethodHandle SET = function("rados_conf_set", POINTER, POINTER, POINTER);
        static final MethodHandle CONNECT = function("rados_connect", POINTER);
        static final MethodHandle SHUTDOWN = procedure("rados_shutdown", POINTER);
        static final MethodHandle OPEN = function("rados_ioctx_create", POINTER, POINTER, POINTER);
        static final MethodHandle CLOSE = procedure("rados_ioctx_destroy", POINTER);
        static final MethodHandle NAMESPACE = procedure("rados_ioctx_set_namespace", POINTER, POINTER);
        static final MethodHandle ID = linked("rados_ioctx_get_id", FunctionDescriptor.of(LONG, POINTER));
        static final MethodHandle COMPLETION = function("rados_aio_create_completion2", POINTER, POINTER, POINTER);
        static final MethodHandle OPERATION = linked("rados_create_read_op", FunctionDescriptor.of(POINTER));
        static final MethodHandle EXECUTE = procedure(
                "rados_read_op_exec_user_buf",
                POINTER,
                POINTER,
                POINTER,
                POINTER,
                LONG,
                POINTER,
                LONG,
                POINTER,
                POINTER);
        static final MethodHandle OPERATE =
                function("rados_aio_read_op_operate", POINTER, POINTER, POINTER, POINTER, INT);
        static final MethodHandle RELEASE_OPERATION = procedure("rados_release_read_op", POINTER);
        static final MethodHandle WAIT = function("rados_aio_wait_for_complete", POINTER);
        static final MethodHandle RESULT = function("rados_aio_get_return_value", POINTER);
        static final MethodHandle RELEASE = procedure("rados_aio_release", POINTER);
        static final MethodHandle MONITOR = function(
                "rados_mon_command", POINTER, POINTER, LONG, POINTER, LONG, POINTER, POINTER, POINTER, POINTER);
        static final MethodHandle FREE = procedure("rados_buffer_free", POINTER);

        @SuppressWarnings("restricted")
        private static SymbolLookup load() {
            return SymbolLookup.libraryLookup("librados.so.2", Arena.global());
        }

        private static MethodHandle function(String name, MemoryLayout... parameters) {
            return linked(name, FunctionDescriptor.of(INT, parameters));
        }

        private static MethodHandle procedure(String name, MemoryLayout... parameters) {
            return linked(name, FunctionDescriptor.ofVoid(parameters));
        }

        @SuppressWarnings("restricted")
        private static MethodHandle linked(String name, FunctionDescriptor descriptor) {
            return Linker.nativeLinker().downcallHandle(SYMBOLS.findOrThrow(name), descriptor);
        }
    }

    private final MemorySegment cluster;

    private Rados(MemorySegment cluster) {
        this.cluster = cluster;
    }

    /** Whether the library is installed and has all that is used here. */
    public static boolean isInstalled() {
        try {
            return Library.SYMBOLS.find("rados_read_op_exec_user_buf").isPresent();
        } catch (LinkageError e) {
            return false;
        }
    }

    /**
     * Connects.
     *
     * @param user without {@code client.}
     * @param configuration a file, null for none
     * @param options of Ceph, by name; they go before those of the file
     */
    public static Rados connect(String user, @Nullable Path configuration, Map<String, String> options)
            throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment created = arena.allocate(POINTER);
            checked((int) Library.CREATE.invokeExact(created, arena.allocateFrom(user)), "Ceph");
            MemorySegment cluster = created.get(ValueLayout.ADDRESS, 0);
            try {
                if (configuration != null) {
                    checked(
                            (int) Library.READ_FILE.invokeExact(cluster, CLibrary.pathName(arena, configuration)),
                            configuration.toString());
                }
                for (Map.Entry<String, String> option : options.entrySet()) {
                    checked(
                            (int) Library.SET.invokeExact(
                                    cluster,
                                    arena.allocateFrom(option.getKey()),
                                    arena.allocateFrom(option.getValue())),
                            option.getKey());
                }
                checked((int) Library.CONNECT.invokeExact(cluster), "the cluster");
                return new Rados(cluster);
            } catch (IOException e) {
                Library.SHUTDOWN.invokeExact(cluster);
                throw e;
            }
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw CLibrary.unexpected("librados", e);
        }
    }

    private static void checked(int result, String name) throws IOException {
        if (result < 0) {
            throw new IOException(name + ": " + CLibrary.message(-result));
        }
    }

    /**
     * The monitors' answer to a command.
     *
     * @param command in JSON
     */
    public String ask(String command) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment commands = arena.allocate(POINTER);
            commands.set(ValueLayout.ADDRESS, 0, arena.allocateFrom(command));
            MemorySegment output = arena.allocate(POINTER);
            MemorySegment length = arena.allocate(LONG);
            MemorySegment status = arena.allocate(POINTER);
            MemorySegment statusLength = arena.allocate(LONG);
            int result = (int) Library.MONITOR.invokeExact(
                    cluster, commands, 1L, MemorySegment.NULL, 0L, output, length, status, statusLength);
            String answer = taken(output, length);
            String words = taken(status, statusLength);
            checked(result, words.isEmpty() ? "the monitors" : words);
            return answer;
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw CLibrary.unexpected("rados_mon_command", e);
        }
    }

    /** The text in a buffer of the library, which is given back. */
    @SuppressWarnings("restricted")
    private static String taken(MemorySegment pointer, MemorySegment length) throws Throwable {
        MemorySegment buffer = pointer.get(ValueLayout.ADDRESS, 0);
        if (buffer.equals(MemorySegment.NULL)) {
            return "";
        }
        byte[] bytes = buffer.reinterpret(length.get(LONG, 0)).toArray(ValueLayout.JAVA_BYTE);
        Library.FREE.invokeExact(buffer);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /**
     * A pool.
     *
     * @param namespace empty for the usual one
     */
    public Pool pool(String name, String namespace) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment opened = arena.allocate(POINTER);
            checked((int) Library.OPEN.invokeExact(cluster, arena.allocateFrom(name), opened), "pool '" + name + "'");
            MemorySegment pool = opened.get(ValueLayout.ADDRESS, 0);
            if (!namespace.isEmpty()) {
                Library.NAMESPACE.invokeExact(pool, arena.allocateFrom(namespace));
            }
            return new Pool(pool);
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw CLibrary.unexpected("rados_ioctx_create", e);
        }
    }

    /**
     * A call of a method that the OSDs have for objects.
     *
     * @param object the object's name
     * @param type what has the method, for instance {@code rbd}
     * @param input as the method defines it
     */
    public record Call(String object, String type, String method, ByteBuffer input) {}

    /**
     * What came of a call.
     *
     * @param status 0, or an error's number below 0
     * @param output as the method defines it
     */
    public record Result(int status, ByteBuffer output) {
        private static final Result LATE = new Result(-Errno.ETIMEDOUT, ByteBuffer.allocate(0));

        private boolean isLate() {
            return status == LATE.status;
        }
    }

    /** A pool, or a namespace in it. */
    public static final class Pool implements AutoCloseable {
        private final MemorySegment pool;

        private Pool(MemorySegment pool) {
            this.pool = pool;
        }

        MemorySegment handle() {
            return pool;
        }

        /** Its number, which never changes. */
        public long id() {
            try {
                return (long) Library.ID.invokeExact(pool);
            } catch (Throwable e) {
                throw CLibrary.unexpected("rados_ioctx_get_id", e);
            }
        }

        /**
         * Makes calls, many at once, and waits for all. If the cluster does not answer one in time, those that are not made
         * yet are not made, and have the status of that one.
         *
         * @param longest how many bytes an answer may have; what is longer has the status of ERANGE
         * @return a result for each call, in their order
         */
        public List<Result> call(List<Call> calls, int longest) {
            List<Result> results = new ArrayList<>(calls.size());
            for (int begin = 0; begin < calls.size(); begin += AT_ONCE) {
                if (results.stream().skip(Math.max(0, begin - AT_ONCE)).anyMatch(Result::isLate)) {
                    results.addAll(Collections.nCopies(calls.size() - begin, Result.LATE));
                    break;
                }
                part(calls.subList(begin, Math.min(begin + AT_ONCE, calls.size())), longest, results);
            }
            return results;
        }

        private void part(List<Call> calls, int longest, List<Result> results) {
            // The library writes into this memory until a call is complete.
            try (Arena arena = Arena.ofShared()) {
                List<Started> started = new ArrayList<>();
                try {
                    for (Call call : calls) {
                        started.add(start(arena, call, longest));
                    }
                } finally {
                    for (Started each : started) {
                        each.await();
                    }
                }
                for (Started each : started) {
                    results.add(each.end());
                }
            } catch (Throwable e) {
                throw CLibrary.unexpected("rados_aio_read_op_operate", e);
            }
        }

        private Started start(Arena arena, Call call, int longest) throws Throwable {
            MemorySegment object = arena.allocateFrom(call.object());
            MemorySegment type = arena.allocateFrom(call.type());
            MemorySegment method = arena.allocateFrom(call.method());
            MemorySegment input = copied(arena, call.input());
            MemorySegment output = arena.allocate(longest);
            MemorySegment length = arena.allocate(LONG);
            MemorySegment status = arena.allocate(INT);
            MemorySegment made = arena.allocate(POINTER);
            int result = (int) Library.COMPLETION.invokeExact(MemorySegment.NULL, MemorySegment.NULL, made);
            if (result < 0) {
                throw new IllegalStateException("no completion: " + CLibrary.message(-result));
            }
            MemorySegment completion = made.get(ValueLayout.ADDRESS, 0);
            MemorySegment operation = (MemorySegment) Library.OPERATION.invokeExact();
            Library.EXECUTE.invokeExact(
                    operation, type, method, input, input.byteSize(), output, (long) longest, length, status);
            int refused = (int) Library.OPERATE.invokeExact(operation, pool, completion, object, 0);
            return new Started(operation, completion, refused, output, length, status);
        }

        /**
         * A call that was made.
         *
         * @param refused 0 if the library has begun it
         * @param length where the length of the output comes
         * @param status where the status of the output comes
         */
        private record Started(
                MemorySegment operation,
                MemorySegment completion,
                int refused,
                MemorySegment output,
                MemorySegment length,
                MemorySegment status) {
            /** Until then the library uses its memory. */
            void await() throws Throwable {
                if (refused == 0) {
                    int _ = (int) Library.WAIT.invokeExact(completion);
                }
            }

            /** After {@link #await}. */
            Result end() throws Throwable {
                int result = refused == 0 ? (int) Library.RESULT.invokeExact(completion) : refused;
                Library.RELEASE.invokeExact(completion);
                Library.RELEASE_OPERATION.invokeExact(operation);
                result = result < 0 ? result : status.get(INT, 0);
                return result < 0
                        ? new Result(result, ByteBuffer.allocate(0))
                        : new Result(
                                0,
                                ByteBuffer.wrap(
                                        output.asSlice(0, length.get(LONG, 0)).toArray(ValueLayout.JAVA_BYTE)));
            }
        }

        private static MemorySegment copied(Arena arena, ByteBuffer bytes) {
            MemorySegment from = MemorySegment.ofBuffer(bytes);
            return arena.allocate(from.byteSize()).copyFrom(from);
        }

        @Override
        public void close() {
            try {
                Library.CLOSE.invokeExact(pool);
            } catch (Throwable e) {
                throw CLibrary.unexpected("rados_ioctx_destroy", e);
            }
        }
    }

    @Override
    public void close() {
        try {
            Library.SHUTDOWN.invokeExact(cluster);
        } catch (Throwable e) {
            throw CLibrary.unexpected("rados_shutdown", e);
        }
    }
}
