package Tenon::Inspect::Modules;

use v5.36;

# What plugins are known to use. Debian's name for a package does not always follow from the module's.
my %PACKAGES = map { split } <<~'PACKAGES' =~ m/^(.+)$/mg;
    AnyEvent libanyevent-perl
    Carp::Assert libcarp-assert-perl
    Config::IniFiles libconfig-inifiles-perl
    DBD::SQLite libdbd-sqlite3-perl
    DBI libdbi-perl
    Filesys::Df libfilesys-df-perl
    HTTP::Cookies libhttp-cookies-perl
    HTTP::Headers libhttp-message-perl
    HTTP::Request libhttp-message-perl
    HTTP::Response libhttp-message-perl
    IO::Socket::SSL libio-socket-ssl-perl
    JSON libjson-perl
    JSON::RPC::Common libjson-rpc-common-perl
    JSON::XS libjson-xs-perl
    LWP libwww-perl
    LWP::Protocol::https liblwp-protocol-https-perl
    LWP::Simple libwww-perl
    LWP::UserAgent libwww-perl
    Linux::Inotify2 liblinux-inotify2-perl
    Log::Any liblog-any-perl
    Log::Any::Adapter::Dispatch liblog-any-adapter-dispatch-perl
    Net::DBus libnet-dbus-perl
    Net::IP libnet-ip-perl
    Net::LDAP libnet-ldap-perl
    Net::SSLeay libnet-ssleay-perl
    Net::Telnet libnet-telnet-perl
    Params::Validate libparams-validate-perl
    Protocol::WebSocket libprotocol-websocket-perl
    REST::Client librest-client-perl
    String::ShellQuote libstring-shellquote-perl
    String::Util libstring-util-perl
    Types::Serialiser libtypes-serialiser-perl
    URI liburi-perl
    URI::Escape liburi-perl
    UUID libuuid-perl
    XML::LibXML libxml-libxml-perl
    XML::Simple libxml-simple-perl
    YAML::XS libyaml-libyaml-perl
    PACKAGES

# Perl itself, which Debian cuts into several packages.
my $CORE =
    qr/\A(?:Data::Dumper|Digest::SHA|Encode|File::Temp|JSON::PP|POSIX|Storable|Time::HiRes)\z/;

# The parts of PVE that are packages of their own; the first that fits.
my @PVE = (
    [qr/\APVE::(?:QemuServer|QemuConfig|QMPClient|QemuMigrate)/ => 'qemu-server'],
    [qr/\APVE::LXC/ => 'pve-container'],
    [qr/\APVE::HA::/ => 'pve-ha-manager'],
    [
        qr/\APVE::(?:Storage|BackupProvider|CephConfig|Diskmanage|GuestImport)\b/ =>
            'libpve-storage-perl'
    ],
    [qr/\APVE::(?:Cluster|IPCC|RRD|SSHInfo|DataCenterConfig|Corosync)\b/ => 'libpve-cluster-perl'],
    [qr/\APVE::(?:AccessControl|RPCEnvironment|TokenConfig)\b/ => 'libpve-access-control'],
    [
        qr/\APVE::(?:AbstractConfig|AbstractMigrate|GuestHelpers|Replication|VZDump::Plugin)/ =>
            'libpve-guest-common-perl'
    ],
    [qr/\APVE::RADOS\b/ => 'librados2-perl'],
    [qr/\APVE::APIClient/ => 'libpve-apiclient-perl'],
    [qr/\APVE::(?:API2|VZDump|CLI)\b/ => 'pve-manager'],
    [qr/\APVE::/ => 'libpve-common-perl'],
);

# A missing module of the storages comes with the plugin that uses it: where PVE's own are, this package is installed.
sub is_of_plugin ($module) {
    return $module =~ m/\APVE::(?:Storage|BackupProvider)\b/;
}

# Debian's package with this module, nothing if that is not known. What is below a known module is with it.
sub known_package_of ($module) {
    return 'perl' if $module =~ $CORE;
    for my $part (@PVE) {
        return $part->[1] if $module =~ $part->[0];
    }
    return $PACKAGES{$module} if $PACKAGES{$module};
    my $above = $module;
    while ($above =~ s/::\w+\z// && $above =~ m/::/) {
        return $PACKAGES{$above} if $PACKAGES{$above};
    }
    return undef; ## no critic (ProhibitExplicitReturnUndef)
}

# By Debian's rule for names, if nothing better is known.
sub package_of ($module) {
    return known_package_of($module) // 'lib' . lc($module =~ s/(?:::|_)/-/gr) . '-perl';
}

sub is_found ($module, @directories) {
    my $file = ($module =~ s{::}{/}gr) . '.pm';
    return !!grep { !ref && -f "$_/$file" } @directories;
}

1;

__END__

=head1 NAME

Tenon::Inspect::Modules - where a Perl module is, and which Debian package has it

=head1 SYNOPSIS

    my $package = Tenon::Inspect::Modules::package_of('REST::Client'); # librest-client-perl
    my $is_here = Tenon::Inspect::Modules::is_found('REST::Client', @INC);

=head1 FUNCTIONS

=head2 package_of

Debian names the package of a module C<Foo::Bar> C<libfoo-bar-perl>; what plugins are known to use is listed.

=head2 is_of_plugin

Whether a module that is missing is the plugin's own.

=head2 known_package_of

The same, but undef where only the rule would tell.

=head2 is_found

Whether one of the directories has the module. Nothing is loaded.

=cut
