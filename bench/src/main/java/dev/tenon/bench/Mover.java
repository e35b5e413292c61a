package dev.tenon.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Tenon's side of transfers: Perl programs that are warm, each of which passes its stream to one daemon. */
final class Mover implements AutoCloseable {
    /** Of /proc/PID/stat, which counts in hundredths of a second. */
    private static final double NANOS_PER_TICK = 1e7;

    private static final int USER_TICKS = 11;

    private final JavaProcess daemon;
    private final List<Client> clients;

    private Mover(JavaProcess daemon, List<Client> clients) {
        this.daemon = daemon;
        this.clients = clients;
    }

    /** A Perl program that makes one transfer at a time. */
    static final class Client {
        private final Process program;
        private final Writer jobs;
        private final BufferedReader answers;

        private Client(Path socket) throws IOException {
            program = PerlProgram.start("transfers.pl", socket.toString());
            jobs = program.outputWriter(StandardCharsets.UTF_8);
            answers = program.inputReader(StandardCharsets.UTF_8);
        }

        void export(Path image, String kind, Path sink) throws IOException {
            begin(Map.of("what", "export", "image", image.toString(), "kind", kind, "path", sink.toString()));
        }

        /** Into a volume that is not there yet. */
        void importFrom(Path pipe, Path image) throws IOException {
            begin(Map.of("what", "import", "image", image.toString(), "kind", "pipe", "path", pipe.toString()));
        }

        private void begin(Map<String, String> job) throws IOException {
            jobs.write(JSON.std.asString(job) + "\n");
            jobs.flush();
        }

        /** Waits for the end of what was begun. */
        void await() throws IOException {
            String answer = answers.readLine();
            if (!"done".equals(answer)) {
                throw new IOException("a transfer failed: " + answer);
            }
        }
    }

    static Mover start(Scratch scratch, int clients) throws IOException, InterruptedException {
        Path socket = scratch.file("mover.sock");
        JavaProcess daemon = JavaProcess.daemon(scratch, socket);
        Mover mover = new Mover(daemon, new ArrayList<>());
        try {
            for (int i = 0; i < clients; i++) {
                mover.clients.add(new Client(socket));
            }
            return mover;
        } catch (IOException e) {
            mover.close();
            throw e;
        }
    }

    Client client() {
        return clients.getFirst();
    }

    List<Client> clients() {
        return clients;
    }

    /** What the daemon and the Perl programs have used of the processors until now. */
    double cpuNanos() throws IOException {
        double ticks = ticks(daemon.pid());
        for (Client client : clients) {
            ticks += ticks(client.program.pid());
        }
        return ticks * NANOS_PER_TICK;
    }

    private static long ticks(long pid) throws IOException {
        String line = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
        String[] words = line.substring(line.lastIndexOf(')') + 2).split(" ", -1);
        return Long.parseLong(words[USER_TICKS]) + Long.parseLong(words[USER_TICKS + 1]);
    }

    /** Bytes of the daemon's memory that are resident. */
    long resident() throws IOException {
        return daemon.resident();
    }

    /** The most that was resident since {@link #forgetMostResident}. */
    long mostResident() throws IOException {
        return daemon.mostResident();
    }

    void forgetMostResident() throws IOException {
        daemon.forgetMostResident();
    }

    @Override
    public void close() throws IOException {
        for (Client client : clients) {
            client.jobs.close();
            client.answers.close();
        }
        daemon.close();
    }
}
