package PVE::Storage::Custom::TenonDirPlugin;

use v5.36;

use parent 'PVE::Storage::Plugin';

use Tenon::Api;
use Tenon::Proxy;

# The host's own version, so that no upgrade ever makes PVE complain; methods that are newer than the table are never called.
sub api {
    my $host = eval { PVE::Storage::APIVER() } // Tenon::Api->load->newest;

    # Our own table is read from a file.
    my ($level) = $host =~ m/\A([0-9]+)\z/a;
    return 0 + $level;
}

sub type {
    return 'tenondir';
}

sub plugindata {
    return {
        content => [{
                backup => 1,
                images => 1,
                import => 1,
                iso => 1,
                none => 1,
                rootdir => 1,
                snippets => 1,
                vztmpl => 1,
            },
            { images => 1, rootdir => 1 },
        ],
        format => [{ qcow2 => 1, raw => 1, subvol => 1, vmdk => 1 }, 'raw'],
        'sensitive-properties' => {},
    };
}

# The properties it uses are PVE's own; declaring one of them again would end every PVE process at load.
sub properties {
    return {};
}

sub options {
    return {
        path => { fixed => 1 },
        bwlimit => { optional => 1 },
        content => { optional => 1 },
        'content-dirs' => { optional => 1 },
        'create-base-path' => { optional => 1 },
        'create-subdirs' => { optional => 1 },
        disable => { optional => 1 },
        format => { optional => 1 },
        is_mountpoint => { optional => 1 },
        'max-protected-backups' => { optional => 1 },
        mkdir => { optional => 1 },
        nodes => { optional => 1 },
        preallocation => { optional => 1 },
        'prune-backups' => { optional => 1 },
        shared => { optional => 1 },
    };
}

Tenon::Proxy->install(__PACKAGE__, 'dir');

1;

__END__

=head1 NAME

PVE::Storage::Custom::TenonDirPlugin - directory storage that Tenon's daemon answers

=head1 SYNOPSIS

    # storage.cfg
    tenondir: fast
        path /srv/fast
        content images

=head1 DESCRIPTION

A storage of type C<tenondir> has the layout of PVE's C<dir>. The methods that describe the plugin are answered here,
without a daemon; all others by the daemon at C<$ENV{TENON_SOCKET}>, by default F</run/tenon/control.sock>.

=head1 METHODS

=head2 api, type, plugindata, properties, options

As PVE asks for them. C<api> is the version of the host, so that no host warns.

=cut
