"""The programs of LiteLLM's `/images/edits` (https://docs.litellm.ai/docs/image_edits), and what its package sends for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clients import Answer, post
from fronts import KEY


@dataclass(frozen=True, slots=True)
class Example:
    """A program for the package, and what the package sends for it."""

    program: str
    images: tuple[str, ...]
    fields: Mapping[str, str]
    mask: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def post(self, url: str, folder: Path) -> Answer:
        """The request as the package makes it: texts first, every image as `image[]`."""
        files = [("image[]", (name, (folder / name).read_bytes(), "image/png")) for name in self.images]
        if self.mask:
            files.append(("mask", (self.mask, (folder / self.mask).read_bytes(), "image/png")))
        return post(
            url, self.fields, files, {"user-agent": "litellm/1.106.2", "authorization": f"Bearer {KEY}", **self.headers}
        )

    @property
    def n(self) -> int:
        return int(self.fields.get("n", "1"))

    @property
    def asks_for_urls(self) -> bool:
        return self.fields.get("response_format") == "url"


SIZE = {"n": "1", "size": "1024x1024"}

OPENAI = {
    "Basic Image Edit": Example(
        """
        import litellm

        # Edit an image with a prompt
        response = litellm.image_edit(
            model="gpt-image-1",
            image=open("original_image.png","rb"),
            prompt="Add a red hat to the person in the image",
            n=1,
            size="1024x1024"
        )

        print(response)
        """,
        ("original_image.png",),
        {"model": "gpt-image-1", "prompt": "Add a red hat to the person in the image", **SIZE},
    ),
    "Multiple Images Edit": Example(
        """
        import litellm

        # Edit multiple images with a prompt
        response = litellm.image_edit(
            model="gpt-image-1",
            image=[
                open("image1.png","rb"),
                open("image2.png","rb"),
                open("image3.png","rb")
            ],
            prompt="Apply vintage filter to all images",
            n=1,
            size="1024x1024"
        )

        print(response)
        """,
        ("image1.png", "image2.png", "image3.png"),
        {"model": "gpt-image-1", "prompt": "Apply vintage filter to all images", **SIZE},
    ),
    "Image Edit with Mask": Example(
        """
        import litellm

        # Edit an image with a mask to specify the area to edit
        response = litellm.image_edit(
            model="gpt-image-1",
            image=open("original_image.png","rb"),
            mask=open("mask_image.png","rb"),# Transparent areas will be edited
            prompt="Replace the background with a beach scene",
            n=2,
            size="512x512",
            response_format="url"
        )

        print(response)
        """,
        ("original_image.png",),
        {
            "model": "gpt-image-1", "n": "2", "response_format": "url", "size": "512x512",
            "prompt": "Replace the background with a beach scene",
        },
        "mask_image.png",
    ),
    "Async Image Edit": Example(
        """
        import litellm
        import asyncio

        async def edit_image():
            response = await litellm.aimage_edit(
                model="gpt-image-1",
                image=open("original_image.png","rb"),
                prompt="Make the image look like a painting",
                n=1,
                size="1024x1024",
                response_format="b64_json"
            )
            return response

        # Run the async function
        response = asyncio.run(edit_image())
        print(response)
        """,
        ("original_image.png",),
        {"model": "gpt-image-1", "response_format": "b64_json", "prompt": "Make the image look like a painting", **SIZE},
    ),
    "Async Multiple Images Edit": Example(
        """
        import litellm
        import asyncio

        async def edit_multiple_images():
            response = await litellm.aimage_edit(
                model="gpt-image-1",
                image=[
                    open("portrait1.png","rb"),
                    open("portrait2.png","rb")
                ],
                prompt="Add professional lighting to the portraits",
                n=1,
                size="1024x1024",
                response_format="url"
            )
            return response

        # Run the async function
        response = asyncio.run(edit_multiple_images())
        print(response)
        """,
        ("portrait1.png", "portrait2.png"),
        {"model": "gpt-image-1", "response_format": "url", "prompt": "Add professional lighting to the portraits", **SIZE},
    ),
    "Image Edit with Custom Parameters": Example(
        """
        import litellm

        # Edit image with additional parameters
        response = litellm.image_edit(
            model="gpt-image-1",
            image=open("portrait.png","rb"),
            prompt="Add sunglasses and a smile",
            n=3,
            size="1024x1024",
            response_format="url",
            user="user-123",
            timeout=60,
            extra_headers={"Custom-Header":"value"}
        )

        print(f"Generated {len(response.data)} image variations")
        for i, image_data in enumerate(response.data):
            print(f"Image {i+1}: {image_data.url}")
        """,
        ("portrait.png",),
        {
            "model": "gpt-image-1", "n": "3", "response_format": "url", "size": "1024x1024", "user": "user-123",
            "prompt": "Add sunglasses and a smile",
        },
        headers={"custom-header": "value"},
    ),
}  # fmt: skip

GEMINI = {
    "Basic Image Edit": Example(
        """
        import base64
        import os
        from litellm import image_edit

        os.environ["GEMINI_API_KEY"] = "your-api-key"

        response = image_edit(
            model="gemini/gemini-2.5-flash-image",
            image=open("original_image.png", "rb"),
            prompt="Add aurora borealis to the night sky",
            size="1792x1024",  # mapped to aspectRatio=16:9 for Gemini
        )

        edited_image_bytes = base64.b64decode(response.data[0].b64_json)
        with open("edited_image.png", "wb") as f:
            f.write(edited_image_bytes)
        """,
        ("original_image.png",),
        {"model": "gemini/gemini-2.5-flash-image", "size": "1792x1024", "prompt": "Add aurora borealis to the night sky"},
    ),
    "Multiple Images Edit": Example(
        """
        import base64
        import os
        from litellm import image_edit

        os.environ["GEMINI_API_KEY"] = "your-api-key"

        response = image_edit(
            model="gemini/gemini-2.5-flash-image",
            image=[
                open("scene.png","rb"),
                open("style_reference.png","rb"),
            ],
            prompt="Blend the reference style into the scene while keeping the subject sharp.",
        )

        for idx, image_obj in enumerate(response.data):
            with open(f"gemini_edit_{idx}.png","wb") as f:
                f.write(base64.b64decode(image_obj.b64_json))
        """,
        ("scene.png", "style_reference.png"),
        {
            "model": "gemini/gemini-2.5-flash-image",
            "prompt": "Blend the reference style into the scene while keeping the subject sharp.",
        },
    ),
}
