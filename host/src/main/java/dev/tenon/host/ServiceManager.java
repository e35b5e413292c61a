package dev.tenon.host;

import dev.tenon.core.linux.DatagramSocket;
import java.io.IOException;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The program that started this process and wants to be told its state, by the protocol of systemd's {@code sd_notify(3)}.
 *
 * @param socket what {@code NOTIFY_SOCKET} says; empty if nobody waits
 */
public record ServiceManager(String socket) {
    private static final Logger LOG = LoggerFactory.getLogger(ServiceManager.class);

    /** The one that these variables of a process tell of. */
    public static ServiceManager of(Map<String, String> environment) {
        return new ServiceManager(environment.getOrDefault("NOTIFY_SOCKET", ""));
    }

    /** Says that the service answers calls. */
    public void ready() {
        tell("READY=1");
    }

    /** Says that another process of the service is its main one from now on, and will report to the manager. */
    public void mainProcess(long pid) {
        tell("MAINPID=" + pid);
    }

    /** Says that the service has begun to stop. */
    public void stopping() {
        tell("STOPPING=1");
    }

    private void tell(String state) {
        if (socket.isEmpty()) {
            return;
        }
        try {
            DatagramSocket.send(socket, state);
        } catch (IOException e) {
            // A service manager that is not told ends the service, and says so itself.
            LOG.error("event=service-manager-not-told state={} reason=\"{}\"", state, e.getMessage());
        }
    }
}
