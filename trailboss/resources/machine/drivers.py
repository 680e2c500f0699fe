"""What each driver wants to know to make a machine. Texts as the driver's own command line takes them."""

from __future__ import annotations

from typing import Any

from trailboss.declare import MEMBERS, ONCE, Field, Resource, flag, listing, text


class BaseMachineConfig(Resource):
    """The base of all drivers' configurations."""

    type = "baseMachineConfig"
    roles = {"superadmin": "r"}
    listable = False


class DriverConfig(BaseMachineConfig):
    """What they share: members send them with a machine."""

    roles = ONCE


def _text(**rules: Any) -> Field[str]:
    return text(create=MEMBERS, **rules)


def _flag() -> Field[bool]:
    return flag(create=MEMBERS)


class AmazonEc2Config(DriverConfig):
    """A machine at Amazon EC2."""

    type = "amazonec2Config"

    access_key = _text(required=True)
    ami = _text()
    iam_instance_profile = _text()
    instance_type = _text()
    monitoring = _flag()
    private_address_only = _flag()
    region = _text()
    request_spot_instance = _flag()
    root_size = _text()
    secret_key = _text(required=True, secret=True)
    security_group = _text()
    session_token = _text(secret=True)
    spot_price = _text()
    ssh_user = _text()
    subnet_id = _text()
    use_private_address = _flag()
    vpc_id = _text()
    zone = _text()


class AzureConfig(DriverConfig):
    """A machine at Microsoft Azure."""

    type = "azureConfig"

    docker_port = _text()
    docker_swarm_master_port = _text()
    image = _text()
    location = _text()
    password = _text(secret=True)
    publish_settings_file = _text(secret=True)
    size = _text()
    ssh_port = _text()
    subscription_cert = _text(secret=True)
    subscription_id = _text()
    username = _text()


class DigitalOceanConfig(DriverConfig):
    """A machine at DigitalOcean."""

    type = "digitaloceanConfig"

    access_token = _text(required=True, secret=True)
    backups = _flag()
    image = _text()
    ipv6 = _flag()
    private_networking = _flag()
    region = _text()
    size = _text()
    ssh_user = _text()


class ExoscaleConfig(DriverConfig):
    """A machine at Exoscale."""

    type = "exoscaleConfig"

    api_key = _text()
    api_secret_key = _text(secret=True)
    availability_zone = _text()
    disk_size = _text()
    image = _text()
    instance_profile = _text()
    security_group = listing("string", create=MEMBERS)
    url = _text()


class OpenStackConfig(DriverConfig):
    """A machine in an OpenStack cloud."""

    type = "openstackConfig"

    auth_url = _text()
    availability_zone = _text()
    domain_id = _text()
    domain_name = _text()
    endpoint_type = _text()
    flavor_id = _text()
    flavor_name = _text()
    floatingip_pool = _text()
    image_id = _text()
    image_name = _text()
    insecure = _flag()
    net_id = _text()
    net_name = _text()
    password = _text(secret=True)
    region = _text()
    sec_groups = _text()
    ssh_port = _text()
    ssh_user = _text()
    tenant_id = _text()
    tenant_name = _text()
    username = _text()


class PacketConfig(DriverConfig):
    """A machine at Packet."""

    type = "packetConfig"

    api_key = _text(required=True, secret=True)
    billing_cycle = _text()
    facility_code = _text()
    os = _text()
    plan = _text()
    project_id = _text(required=True)


class RackspaceConfig(DriverConfig):
    """A machine at Rackspace."""

    type = "rackspaceConfig"

    api_key = _text(required=True, secret=True)
    docker_install = _text()
    endpoint_type = _text()
    flavor_id = _text()
    image_id = _text()
    region = _text()
    ssh_port = _text()
    ssh_user = _text()
    username = _text(required=True)


class SoftLayerConfig(DriverConfig):
    """A machine at SoftLayer."""

    type = "softlayerConfig"

    api_endpoint = _text()
    api_key = _text(secret=True)
    cpu = _text()
    disk_size = _text()
    domain = _text()
    hostname = _text()
    hourly_billing = _flag()
    image = _text()
    local_disk = _flag()
    memory = _text()
    private_net_only = _flag()
    private_vlan_id = _text()
    public_vlan_id = _text()
    region = _text()
    user = _text()


class UbiquityConfig(DriverConfig):
    """A machine at Ubiquity Hosting."""

    type = "ubiquityConfig"

    api_token = _text(secret=True)
    api_username = _text()
    client_id = _text()
    flavor_id = _text()
    image_id = _text()
    zone_id = _text()


class VirtualBoxConfig(DriverConfig):
    """A machine in VirtualBox, on the computer that runs the driver."""

    type = "virtualboxConfig"

    boot2docker_url = _text()
    cpu_count = _text()
    disk_size = _text()
    hostonly_cidr = _text()
    import_boot2docker_vm = _text()
    memory = _text()
    no_share = _flag()


class VMwareVCloudAirConfig(DriverConfig):
    """A machine at VMware vCloud Air."""

    type = "vmwarevcloudairConfig"

    catalog = _text()
    catalogitem = _text()
    computeid = _text()
    cpu_count = _text()
    docker_port = _text()
    edgegateway = _text()
    memory_size = _text()
    orgvdcnetwork = _text()
    password = _text(secret=True)
    provision = _flag()
    publicip = _text()
    ssh_port = _text()
    username = _text()
    vdcid = _text()


class VMwareVSphereConfig(DriverConfig):
    """A machine in VMware vSphere."""

    type = "vmwarevsphereConfig"

    boot2docker_url = _text()
    compute_ip = _text()
    cpu_count = _text()
    datacenter = _text()
    datastore = _text()
    disk_size = _text()
    memory_size = _text()
    network = _text()
    password = _text(secret=True)
    pool = _text()
    username = _text()
    vcenter = _text()
