package dev.tenon.bridge.serve;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a daemon is doing at one moment.
 *
 * @param pid its process
 * @param uptime for how long it has been listening
 * @param plugins the Perl plugins that it hosts
 * @param storages in which its clients have calls under way, waiting or inside
 * @param draining for how long another daemon has been answering in its place, while it finishes what it has begun; null if
 *     none does
 * @param before the daemons that it took over from and that have not ended
 */
public record Overview(
        long pid,
        Duration uptime,
        List<Plugin> plugins,
        List<Crowd> storages,
        @Nullable Duration draining,
        List<Overview> before) {
    public Overview {
        plugins = List.copyOf(plugins);
        storages = List.copyOf(storages);
        before = List.copyOf(before);
    }

    /**
     * A plugin in Perl.
     *
     * @param type its storage type
     * @param file its file
     * @param most how many processes it may have that make calls
     * @param waiting how many calls wait for one of them
     * @param processes those that it has, the one whose call or rest began last at the end
     */
    public record Plugin(String type, String file, int most, int waiting, List<Member> processes) {
        public Plugin {
            processes = List.copyOf(processes);
        }
    }

    /**
     * A process that makes the calls of a plugin.
     *
     * @param what the call in words, {@code idle} or {@code ending}
     * @param since for how long by now
     */
    public record Member(long pid, String what, Duration since) {}

    /**
     * The calls of clients that go into one storage, or into one plugin for all its storages.
     *
     * @param plugin the storage type
     * @param storage its name, or its path if the calls do not tell the name; empty for calls of the type alone
     * @param areLong whether these are the calls that may last, which have a way in of their own
     * @param inside how many are made
     * @param waiting how many wait for one of those to end
     * @param late how many of those inside have used up their time
     * @param oldest for how long the oldest of those inside has been under way
     */
    public record Crowd(
            String plugin, String storage, boolean areLong, int inside, int waiting, int late, Duration oldest) {}
}
